-- Schema version 1 of what `fer-consumer sink postgresql` writes. Whoever may create tables runs it once; the sink does so itself
-- where its user may. Times are those of Redis's clock. A frame without faces is one row of fer_results with face -1.
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('ferstream schema'));
CREATE TABLE IF NOT EXISTS fer_schema (version integer PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE IF NOT EXISTS fer_results (
    captured_at timestamptz NOT NULL,
    media_time double precision,
    camera_id text NOT NULL,
    sequence bigint NOT NULL,
    width bigint,
    height bigint,
    faces integer,
    face integer NOT NULL,
    track bigint,
    x1 real,
    y1 real,
    x2 real,
    y2 real,
    score real,
    quality real,
    emotion text,
    confidence real,
    p_anger real,
    p_contempt real,
    p_disgust real,
    p_fear real,
    p_happiness real,
    p_neutral real,
    p_sadness real,
    p_surprise real,
    landmarks jsonb,
    pose jsonb,
    worker text,
    frame_id text,
    models jsonb,
    PRIMARY KEY (captured_at, camera_id, sequence, face)
);
CREATE INDEX IF NOT EXISTS fer_results_time ON fer_results (camera_id, captured_at);

CREATE TABLE IF NOT EXISTS fer_events (
    event_id text NOT NULL,
    kind text,
    camera_id text,
    track bigint,
    at timestamptz,
    media_time double precision,
    sequence bigint,
    emotion text,
    before text,
    since double precision,
    duration double precision,
    peak real,
    p_anger real,
    p_contempt real,
    p_disgust real,
    p_fear real,
    p_happiness real,
    p_neutral real,
    p_sadness real,
    p_surprise real,
    shares jsonb,
    best_sequence bigint,
    x1 real,
    y1 real,
    x2 real,
    y2 real,
    rule text,
    PRIMARY KEY (event_id)
);
CREATE INDEX IF NOT EXISTS fer_events_time ON fer_events (camera_id, at);

CREATE TABLE IF NOT EXISTS fer_minutes (
    camera_id text NOT NULL,
    start timestamptz NOT NULL,
    seconds double precision,
    results bigint,
    people_max bigint,
    people_mean double precision,
    faces bigint,
    s_anger double precision,
    s_contempt double precision,
    s_disgust double precision,
    s_fear double precision,
    s_happiness double precision,
    s_neutral double precision,
    s_sadness double precision,
    s_surprise double precision,
    s_unknown double precision,
    unknown_share double precision,
    coverage double precision,
    PRIMARY KEY (camera_id, start)
);
CREATE INDEX IF NOT EXISTS fer_minutes_time ON fer_minutes (camera_id, start);

-- With TimescaleDB, what grows is cut into pieces by time.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('fer_results', 'captured_at', if_not_exists => true, migrate_data => true);
        PERFORM create_hypertable('fer_minutes', 'start', if_not_exists => true, migrate_data => true);
    END IF;
END $$;

INSERT INTO fer_schema (version) VALUES (1) ON CONFLICT DO NOTHING;
COMMIT;
