// SPDX-License-Identifier: Apache-2.0
// usage: node update.js DIR METADATA_URL TARGET_URL OFFERS_PATH
// DIR/metadata/root.json is the trusted root. Updates, downloads the offers document, then the package that its first
// offer names, and prints {"offers", "path", "length", "sha256", "custom"} as this client verified it.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Updater } = require('tuf-js');

async function main([dir, metadataBaseUrl, targetBaseUrl, offersPath]) {
  const targetDir = path.join(dir, 'targets');
  fs.mkdirSync(targetDir, { recursive: true });
  const updater = new Updater({
    metadataDir: path.join(dir, 'metadata'),
    metadataBaseUrl,
    targetDir,
    targetBaseUrl,
    config: { fetchRetry: false },
  });
  await updater.refresh();
  const download = async (target) => {
    const info = await updater.getTargetInfo(target);
    if (!info) throw new Error(`no role lists ${target}`);
    return { info, file: await updater.downloadTarget(info) };
  };
  const offers = JSON.parse(fs.readFileSync((await download(offersPath)).file, 'utf8'));
  const { info, file } = await download(offers.offers[0].package.path);
  const bytes = fs.readFileSync(file);
  console.log(JSON.stringify({
    offers: offers.offers.length,
    path: info.path,
    length: bytes.length,
    sha256: crypto.createHash('sha256').update(bytes).digest('hex'),
    custom: info.custom,
  }));
}

main(process.argv.slice(2)).catch((err) => {
  console.error(err.stack || String(err));
  process.exit(1);
});
