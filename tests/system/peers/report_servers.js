// SPDX-License-Identifier: Apache-2.0
// Node https servers in report or require mode, one for each entry of a JSON file:
// [{name, cert, key, ca, crls, mode, minVersion, maxVersion, body, type}].  Prints one line {name: port}.
'use strict';
const fs = require('fs');
const https = require('https');

const read = (path) => fs.readFileSync(path);
const wanted = JSON.parse(read(process.argv[2]));
const ports = {};

function verdict(socket) {
  return socket.authorized ? { mTLSValid: true } : { mTLSValid: false, reason: String(socket.authorizationError) };
}

function options(entry) {
  const out = {
    cert: read(entry.cert), key: read(entry.key), ca: entry.ca ? [read(entry.ca)] : undefined,
    requestCert: entry.mode !== 'none', rejectUnauthorized: entry.mode === 'require',
  };
  for (const name of ['minVersion', 'maxVersion', 'ciphers']) if (entry[name]) out[name] = entry[name];
  if (entry.crls && entry.crls.length) out.crl = entry.crls.map(read);
  return out;
}

for (const entry of wanted) {
  const server = https.createServer(options(entry), (req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const peer = req.socket.getPeerCertificate();
      const about = Object.assign(verdict(req.socket), {
        method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(chunks).toString(),
        cn: peer && peer.subject ? peer.subject.CN : null, resumed: req.socket.isSessionReused(),
        host: req.headers.host, servername: req.socket.servername, protocol: req.socket.getProtocol(),
      });
      if (req.url === '/status/404') res.statusCode = 404;
      if (req.url === '/chunked') {
        for (const part of ['one ', 'two ', 'three\n']) res.write(part);
        return res.end();
      }
      if (req.url === '/large') return res.end('x'.repeat(3000000));
      res.setHeader('Content-Type', entry.type || 'application/json');
      res.end(entry.body || JSON.stringify(about));
    });
  });
  server.on('tlsClientError', (error, socket) => console.error(
    [entry.name, 'tlsClientError', error.code, error.message, (socket && socket.authorizationError) || ''].join(' ')));
  server.on('clientError', (error, socket) => socket.destroy());
  server.listen(0, entry.host || '127.0.0.1', () => {
    ports[entry.name] = server.address().port;
    if (Object.keys(ports).length === wanted.length) console.log(JSON.stringify(ports));
  });
}
