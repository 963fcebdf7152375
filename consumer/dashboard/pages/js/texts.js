// Every word that people read on the page.

export const TEXTS = {
  common: {
    name: "ferstream",
    pages: "Pages",
    skip: "Skip to the page",
    opening: "connecting",
    connected: "connected",
    lost: "connection lost",
    tryingAgain: (seconds) => `Connection lost, trying again in ${seconds} s`,
    tryingNow: "Connection lost, trying again now",
    noServer: "The server does not answer, trying again",
    noPage: "There is no such page",
    noPageWhy: "The address is wrong, or it is for administrators.",
    notLoaded: "This page could not be loaded",
    toWall: "To the wall",
    logout: "Log out",
    close: "Close",
    keysTitle: "Keys",
    keys: [
      ["?", "show these keys"],
      ["/", "go to the filter"],
      ["Tab", "to the next control"],
    ],
    loading: "Loading",
    none: "none",
  },
  wall: {
    title: "Wall",
  },
  camera: { title: "Camera" },
  fleet: { title: "Fleet" },
  review: { title: "Review" },
  try: { title: "Try" },
  cameras: { title: "Cameras" },
  login: { title: "Log in" },
  api: { title: "API" },
};
