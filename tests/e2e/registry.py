"""A registry of container images that holds one: what an engine asks of one to fetch it, over plain HTTP on the loopback."""

import base64
import gzip
import hashlib
import http.server
import json
import threading


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """Serves `layer` (a tar) as HOST:PORT/NAME:TAG, whatever the tag. `image` is its name, `digest` that of its manifest.
    With `login`, USER:PASSWORD, to nobody else; `refused` counts them."""

    def __init__(self, name, layer, login=None):
        self.login = "Basic " + base64.b64encode(login.encode()).decode() if login else None
        self.refused = 0
        packed = gzip.compress(layer, mtime=0)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}).encode()
        kind = "application/vnd.docker."
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
            "config": {"mediaType": kind + "container.image.v1+json", "size": len(config), "digest": digest_of(config)},
            "layers": [{"mediaType": kind + "image.rootfs.diff.tar.gzip", "size": len(packed), "digest": digest_of(packed)}]}).encode()
        self.digest = digest_of(manifest)
        self.blobs = {digest_of(data): (data, "application/octet-stream") for data in (packed, config)}
        self.manifest = (manifest, kind + "distribution.manifest.v2+json")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.image = f"127.0.0.1:{self._server.server_port}/{name}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(registry):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if registry.login and self.headers.get("Authorization") != registry.login:
                    registry.refused += 1
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="registry"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                found = (b"{}", "application/json") if self.path == "/v2/" else None
                if "/manifests/" in self.path:
                    found = registry.manifest
                elif "/blobs/" in self.path:
                    found = registry.blobs.get(self.path.rpartition("/")[2])
                data, kind = found or (b"", "text/plain")
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                if found:
                    self.send_header("Docker-Content-Digest", digest_of(data))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        return Handler
