// Opens pages in a real browser and tells what it found, as JSON: `node page.mjs PACKAGES check PAGE…`.
// `node page.mjs PACKAGES shoot PAGE WIDTH HEIGHT light|dark FILE.png` takes a picture instead.
//
// PACKAGES is a folder that npm has installed into. The browser is unpacked there once; it needs no rights and no
// libraries but those that come with it.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const [packages, task, ...rest] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), "package.json"));
const puppeteer = require("puppeteer-core");

function browser() {
  const bin = join(resolve(packages), "node_modules/@sparticuz/chromium/bin");
  const folder = join(resolve(packages), "browser");
  const program = join(folder, "chromium");
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    for (const part of ["al2023", "fonts"]) {
      const tar = join(folder, `${part}.tar`);
      writeFileSync(tar, brotliDecompressSync(readFileSync(join(bin, `${part}.tar.br`))));
      execFileSync("tar", ["-xf", tar, "-C", folder]);
    }
    writeFileSync(`${program}.part`, brotliDecompressSync(readFileSync(join(bin, "chromium.br"))));
    chmodSync(`${program}.part`, 0o755);
    renameSync(`${program}.part`, program);
  }
  return puppeteer.launch({
    executablePath: program,
    headless: "shell",
    env: { ...process.env, LD_LIBRARY_PATH: join(folder, "lib"), FONTCONFIG_PATH: join(folder, "fonts") },
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-zygote", "--font-render-hinting=none"],
  });
}

async function open(chromium, file, width, height, scheme, script = true, scale = 1) {
  const page = await chromium.newPage();
  const told = { console: [], errors: [], requests: [] };
  page.on("console", (message) => told.console.push(message.text()));
  page.on("pageerror", (error) => told.errors.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) told.requests.push(request.url());
  });
  page.on("dialog", (dialog) => {
    told.errors.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.setViewport({ width, height, deviceScaleFactor: scale });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setJavaScriptEnabled(script);
  await page.goto(pathToFileURL(resolve(file)).href, { waitUntil: "load", timeout: 60_000 });
  return { page, told };
}

// What stands out of the window sideways, though it is not inside a box that scrolls.
const tooWide = () => {
  const room = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth > room ? [`the page is ${document.documentElement.scrollWidth} wide in ${room}`] : [];
};

const axe = async (page) => {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.map((each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
};

// Filters, sorts and follows a link, as a reader does.
const useIt = async (page) => {
  const wrong = [];
  const expect = (is, what) => { if (!is) wrong.push(what); };
  const rows = await page.$$eval("#table tbody tr", (rows) => rows.length);
  if (rows > 5) {
    const name = await page.$eval("#table tbody tr:nth-child(4)", (row) => row.dataset.name);
    await page.type("#filter", name.toUpperCase());
    const left = await page.$$eval("#table tbody tr:not([hidden])", (rows) => rows.map((row) => row.dataset.name));
    expect(left.includes(name) && left.length < rows, "the filter keeps what is asked for");
    expect((await page.$eval("#matches", (each) => each.textContent)).includes(` of ${rows}`), "the filter says how many");
    await page.$eval("#filter", (box) => { box.value = ""; box.dispatchEvent(new Event("input")); });
  }
  if (rows > 1) {
    const read = () => page.$$eval("#table tbody tr", (rows) => rows.map((row) => Number(row.cells[2].dataset.v)));
    const button = await page.$("#table thead th:nth-child(3) button");
    await button.focus();
    await page.keyboard.press("Enter");
    const down = await read();
    expect(down.every((value, at) => at === 0 || down[at - 1] >= value), "sorted downwards");
    await page.keyboard.press("Enter");
    const up = await read();
    expect(up.every((value, at) => at === 0 || up[at - 1] <= value), "sorted upwards");
  }
  const link = await page.$("#table tbody a");
  if (link) {
    const to = await link.evaluate((link) => link.getAttribute("href"));
    await page.$eval(to, (section) => { section.open = false; });
    await link.evaluate((link) => link.click());
    expect(await page.$eval(to, (section) => section.open), "a link opens the stream it leads to");
  }
  return wrong;
};

// What is no valid HTML.
async function invalid(file) {
  const { HtmlValidate, StaticConfigLoader } = require("html-validate");
  const validator = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ["html-validate:standard"] }));
  const report = await validator.validateFile(file);
  return report.results.flatMap((result) => result.messages).map((each) => `${each.line}: ${each.ruleId}: ${each.message}`);
}

async function check(chromium, file) {
  const found = {};
  // Contrast takes minutes to measure on pages of megabytes, which are made of the same parts.
  const large = statSync(file).size > 400_000;
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [375, "light"], [375, "dark"]]) {
    const { page, told } = await open(chromium, file, width, 800, scheme);
    const wide = await page.evaluate(tooWide);
    await page.$$eval("details", (all) => all.forEach((each) => { each.open = true; }));
    wide.push(...(await page.evaluate(tooWide)));
    const violations = large ? [] : await axe(page);
    const used = width === 1280 && scheme === "light" ? await useIt(page) : [];
    found[`${width} ${scheme}`] = { ...told, wide, violations, used };
    await page.close();
  }
  const { page } = await open(chromium, file, 1280, 800, "light", false);
  const text = await page.$eval("body", (body) => body.innerText);
  await page.emulateMediaType("print");
  const hidden = await page.$eval("#main", (main) => main.getBoundingClientRect().height === 0);
  await page.close();
  return { views: found, text, unprinted: hidden, invalid: await invalid(file) };
}

const chromium = await browser();
try {
  if (task === "check") {
    const all = {};
    for (const file of rest) all[file] = await check(chromium, file);
    process.stdout.write(JSON.stringify(all));
  } else {
    const [file, width, height, scheme, picture] = rest;
    const { page } = await open(chromium, file, Number(width), Number(height), scheme);
    await page.screenshot({ path: picture });
  }
} finally {
  await chromium.close();
}
