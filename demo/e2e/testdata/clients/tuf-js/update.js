// SPDX-License-Identifier: Apache-2.0
// usage: node update.js DIR URL TARGET...
// DIR/root.json is the root that this client was given; what it trusts since lies in DIR/metadata. Updates from the feed of the
// server URL, downloads the targets, and prints for each {"path", "file", "custom"}: where its bytes lie, as tuf-js verified
// them, and what is signed with them.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { Updater } = require('tuf-js');

async function main([dir, url, ...targets]) {
  const [metadataDir, targetDir] = [path.join(dir, 'metadata'), path.join(dir, 'targets')];
  fs.mkdirSync(metadataDir, { recursive: true });
  fs.mkdirSync(targetDir, { recursive: true });
  if (!fs.existsSync(path.join(metadataDir, 'root.json'))) {
    fs.copyFileSync(path.join(dir, 'root.json'), path.join(metadataDir, 'root.json'));
  }
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: url + '/tuf/metadata',
    targetDir,
    targetBaseUrl: url + '/tuf/targets',
    config: { fetchRetry: false },
  });
  await updater.refresh();
  for (const target of targets) {
    const info = await updater.getTargetInfo(target);
    if (!info) throw new Error(`no role lists ${target}`);
    const file = await updater.downloadTarget(info);
    console.log(JSON.stringify({ path: info.path, file, custom: info.custom }));
  }
}

main(process.argv.slice(2)).catch((err) => {
  console.error(err.stack || String(err));
  process.exit(1);
});
