"""A small page behind the real middleware, and a browser's side of it."""

import http.client
import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from ferstream.consumer.dashboard.access.access import Access, require
from ferstream.consumer.dashboard.access.middleware import AccessMiddleware
from ferstream.consumer.dashboard.access.people.passwords import hash_password
from ferstream.consumer.dashboard.access.people.users_file import User, put_user
from ferstream.consumer.dashboard.access.routes import routes as session_routes
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.consumer.dashboard.viewer_protocol import ViewerProtocol
from tests.support.web_server import serving

PASSWORD = "correct horse battery"
#: One hash for all tests: each takes a core for a while.
HASH = hash_password(PASSWORD)
TOKEN = "a-token-that-nobody-guesses"


def settings(**more: Any) -> DashboardSettings:
    """Of a page that shows and offers all."""
    return DashboardSettings(**({"redis_url": "unix:///none.sock", "port": 0, "cameras_file": Path("cameras.yaml")} | more))


def people(folder: Path, **roles: str) -> Path:
    """A users file; all have one password."""
    path = folder / "users.yaml"
    for name, role in roles.items():
        put_user(path, User(name, role, HASH))
    return path


def token_file(folder: Path) -> Path:
    path = folder / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


def page_of(access: Access) -> Starlette:
    async def home(_request):
        return PlainTextResponse("the page")

    async def picture(request):
        return PlainTextResponse(require(request, "viewer").name)

    async def config(request):
        return PlainTextResponse(require(request, "admin").name)

    async def analyze(request):
        require(request, "viewer")
        return JSONResponse({"bytes": len(await request.body())})

    async def live(websocket):
        person = require(websocket, "watcher")
        await websocket.accept()
        try:
            await websocket.send_text(person.name)
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            return

    async def pictures(websocket):
        require(websocket, "viewer")
        await websocket.accept()
        await websocket.close()

    routes = [
        Route("/", home),
        Route("/camera/{name}", home),
        Route("/login", home),
        Route("/static/app.js", home),
        Route("/api/picture.jpg", picture),
        Route("/api/config", config, methods=["GET", "PUT"]),
        Route("/api/analyze", analyze, methods=["POST"]),
        WebSocketRoute("/api/live", live),
        WebSocketRoute("/api/pictures", pictures),
        *session_routes(access),
    ]
    return Starlette(routes=routes, middleware=[Middleware(AccessMiddleware, access=access)])


@contextmanager
def page(given: DashboardSettings | None = None, **options: Any):
    """A `Browser` at the page."""
    with serving(page_of(Access(given or settings())), ws=ViewerProtocol, **options) as port:
        yield Browser(port)


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return self.json["error"]


class Browser:
    """Keeps cookies and the word against forged requests, as the page does."""

    def __init__(self, port: int, context: Any = None) -> None:
        self.port = port
        self.context = context
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    @property
    def origin(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Headers of None are left out; names with underscores for hyphens."""
        sent: dict[str, str | None] = {**self.cookie()}
        if method != "GET":
            sent |= {"Origin": self.origin, "X-CSRF-Token": self.csrf}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = (
            http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=60)
            if self.context
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        )
        with_host = {name: value for name, value in sent.items() if value is not None}
        try:
            connection.request(method, path, data, with_host)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str | None) -> Answer:
        return self.ask("POST", path, body, **headers)

    def begin(self) -> Any:
        """What the page does first."""
        session = self.get("/api/session").json
        self.csrf = session["csrf"]
        return session

    def log_in(self, name: str = "", password: str = PASSWORD, **more: str) -> Answer:
        self.begin()
        body = {"name": name, "password": password} if name else {}
        answer = self.post("/api/login", body | more)
        if answer.status == 200:
            self.csrf = answer.json["csrf"]
        return answer
