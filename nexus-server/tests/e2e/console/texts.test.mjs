// Both languages say the same things.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const ASSETS = fileURLToPath(new URL("../../../../nexus-lib/src/http/admin/console/assets/", import.meta.url));

async function texts(language) {
  const source = await readFile(join(ASSETS, `text/${language}.js`), "utf8");
  return (await import(`data:text/javascript,${encodeURIComponent(source)}`)).default;
}

const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("each text is there in Chinese and in English, with the same values in it", async () => {
  const [en, zh] = await Promise.all(["en", "zh"].map(texts));
  const common = Object.keys(en).filter((key) => !key.endsWith(".one"));
  assert.deepEqual(Object.keys(zh).sort(), common.sort());
  for (const key of common) assert.deepEqual(names(zh[key]), names(en[key]), key);
});

test("each text that a page asks for is there", async () => {
  const en = await texts("en");
  for (const folder of ["", "ui", "pages"]) {
    for (const name of await readdir(join(ASSETS, folder))) {
      if (!name.endsWith(".js")) continue;
      const source = await readFile(join(ASSETS, folder, name), "utf8");
      for (const [, key] of source.matchAll(/\bt\("([^"]+)"/g)) assert.ok(key in en, `${name}: ${key}`);
      // What shows models' words must have no way to make markup of them.
      assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/, name);
    }
  }
});
