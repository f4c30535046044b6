"""Writes Tests/Golden/hub/cache.json: the cache folder that huggingface_hub makes of a small repository.

    python scripts/golden/hub.py

needs huggingface_hub. The repository is served by this script on 127.0.0.1; nothing else is asked.
"""

import hashlib
import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee01" * 5
NAME = "harbour/ferry-1b"
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"version": 1}',
    "model.safetensors": bytes(i * 7 % 251 for i in range(3000)),
    "additional_chat_templates/tool use.jinja": b"{{ messages }}",
}
LARGE = {"model.safetensors"}
OUTPUT = Path(__file__).parents[2] / "Tests/Golden/hub/cache.json"


def checksum(path):
    data = FILES[path]
    if path in LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(path):
    data = FILES[path]
    result = {"type": "file", "path": path, "size": len(data), "oid": checksum(path)}
    if path in LARGE:
        result["lfs"] = {"oid": checksum(path), "size": len(data), "pointerSize": 130}
    return result


class Hub(BaseHTTPRequestHandler):
    def answer(self, status, fields, body=b""):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **fields}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path.startswith(f"/api/models/{NAME}/tree/"):
            body = json.dumps([entry(name) for name in FILES]).encode()
            return self.answer(200, {"Content-Type": "application/json"}, body)
        if path.startswith(f"/api/models/{NAME}"):
            siblings = [{"rfilename": name} for name in FILES]
            body = json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode()
            return self.answer(200, {"Content-Type": "application/json"}, body)
        name = path.removeprefix(f"/{NAME}/resolve/{COMMIT}/")
        if name in FILES:
            fields = {"X-Repo-Commit": COMMIT, "ETag": f'"{checksum(name)}"'}
            if name in LARGE:
                fields |= {"X-Linked-Etag": f'"{checksum(name)}"', "X-Linked-Size": len(FILES[name])}
            return self.answer(200, fields, FILES[name])
        return self.answer(404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def tree(root):
    """Every file by its path: what a link leads to, or what is in the file."""
    result = {}
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder) / name
            place = str(path.relative_to(root))
            if path.is_symlink():
                result[place] = {"link": os.readlink(path)}
            elif "/blobs/" in place or "/refs/" in place:
                result[place] = {"bytes": path.read_bytes().hex()}
            else:
                # Locks, the tag of the folder and a list of the newest versions: that they are there.
                result[place] = {}
    return dict(sorted(result.items()))


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    with tempfile.TemporaryDirectory() as cache:
        os.environ["HF_HOME"] = cache
        import huggingface_hub

        huggingface_hub.snapshot_download(NAME)
        result = {
            "huggingface_hub": huggingface_hub.__version__,
            "name": NAME,
            "commit": COMMIT,
            "large": sorted(LARGE),
            "files": {name: data.hex() for name, data in FILES.items()},
            "tree": tree(Path(cache) / "hub"),
        }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n")


main()
