# SPDX-License-Identifier: Apache-2.0
"""usage: update.py DIR URL TARGET...

DIR/root.json is the root that this client was given; what it trusts since lies in DIR/metadata. Updates from the feed of the
server URL, downloads the targets, and prints for each {"path", "file", "custom"}: where its bytes lie, as python-tuf verified
them, and what is signed with them.
"""
import json
import os
import sys

from tuf.ngclient import Updater


def main(folder, url, *targets):
    metadata, files = os.path.join(folder, "metadata"), os.path.join(folder, "targets")
    os.makedirs(metadata, exist_ok=True)
    os.makedirs(files, exist_ok=True)
    bootstrap = None
    if not os.path.lexists(os.path.join(metadata, "root.json")):
        with open(os.path.join(folder, "root.json"), "rb") as root:
            bootstrap = root.read()
    updater = Updater(metadata, url + "/tuf/metadata/", files, url + "/tuf/targets/", bootstrap=bootstrap)
    updater.refresh()
    for path in targets:
        info = updater.get_targetinfo(path)
        if info is None:
            sys.exit(f"no role lists {path}")
        file = updater.download_target(info)
        print(json.dumps({"path": info.path, "file": file, "custom": info.custom}, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
