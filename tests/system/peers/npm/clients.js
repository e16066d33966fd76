// SPDX-License-Identifier: Apache-2.0
// One request by the client named: node clients.js NAME ENTRY.json, where the entry is
// {url, ca, cert, key, method, data}.  Prints {ok, status, body} or {ok: false, code, message}.
// Run with NODE_PATH at the installed packages.
'use strict';
const fs = require('fs');
const https = require('https');

const entry = JSON.parse(fs.readFileSync(process.argv[3]));
const read = (path) => (path ? fs.readFileSync(path) : undefined);
const tls = { ca: read(entry.ca), cert: read(entry.cert), key: read(entry.key) };

const clients = {
  async axios() {
    const axios = require('axios');
    const res = await axios.request({
      url: entry.url, method: entry.method || 'GET', data: entry.data, httpsAgent: new https.Agent(tls), proxy: false,
    });
    return { status: res.status, body: res.data };
  },
  async 'node-fetch'() {
    const fetch = require('node-fetch');
    const res = await fetch(entry.url, { method: entry.method || 'GET', body: entry.data, agent: new https.Agent(tls) });
    return { status: res.status, body: await res.text() };
  },
  async undici() {
    const undici = require('undici');
    const dispatcher = new undici.Agent({ connect: tls });
    const res = await undici.request(entry.url, { method: entry.method || 'GET', body: entry.data, dispatcher });
    const body = await res.body.text();
    await dispatcher.close();
    return { status: res.statusCode, body };
  },
  async 'built-in fetch'() {
    // The engine's own fetch takes a dispatcher of undici for the certificate.
    const undici = require('undici');
    const dispatcher = new undici.Agent({ connect: tls });
    const res = await fetch(entry.url, { method: entry.method || 'GET', body: entry.data, dispatcher });
    const body = await res.text();
    await dispatcher.close();
    return { status: res.status, body };
  },
};

let told = false;
function tell(what) {
  told = true;
  console.log(JSON.stringify(what));
}

// undici drops a request without a word when the connection goes in the moment it would be sent: its promise stays
// open, and node ends, with nothing left to wait for.
process.on('beforeExit', () => {
  if (!told) tell({ ok: false, code: 'UNSETTLED', message: 'the client ended without an answer or an error' });
});

clients[process.argv[2]]().then(
  (answer) => tell(Object.assign({ ok: true }, answer)),
  (error) => {
    const cause = error.cause || error;
    tell({ ok: false, code: cause.code || error.code, message: String(cause.message || error.message) });
  });
