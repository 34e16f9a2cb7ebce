// The two browsers with a software GPU each, in a fresh profile.

import puppeteer from "puppeteer-core";

export const BROWSERS = ["chromium", "firefox"];

// One command of the driver may last this long: a whole case may be one evaluation.
const PROTOCOL_TIMEOUT_MILLIS = 900_000;

const CHROMIUM = {
  browser: "chrome",
  args: [
    "--headless=new",
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const FIREFOX = {
  browser: "firefox",
  extraPrefsFirefox: {
    "dom.webgpu.enabled": true,
    "dom.webgpu.workers.enabled": true,
    "gfx.webgpu.ignore-blocklist": true,
  },
};

export function launch(kind, executablePath) {
  if (!executablePath) throw new Error("not installed");
  const options = kind === "chromium" ? CHROMIUM : FIREFOX;
  // Without a profile of its own the driver makes a new one and removes it.
  return puppeteer.launch({ ...options, executablePath, headless: true, protocolTimeout: PROTOCOL_TIMEOUT_MILLIS });
}
