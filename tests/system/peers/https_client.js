// SPDX-License-Identifier: Apache-2.0
// One request by Node's https, told as JSON: {ok, status, headers, body} or {code, message, reason}.
// Arguments: a JSON file {url, cert, key, ca, servername, minVersion, maxVersion, ciphers, method, headers, data,
// agent: {keepAlive}, again: [entry, …]}; "again" makes more requests, in order, on the same agent or a new one.
'use strict';
const fs = require('fs');
const https = require('https');

const wanted = JSON.parse(fs.readFileSync(process.argv[2]));
const agents = {};

function agentOf(entry) {
  const name = entry.agent || 'own' + Math.random();
  if (!agents[name]) {
    const options = { keepAlive: Boolean(entry.agent), maxSockets: 1 };
    for (const file of ['cert', 'key', 'ca']) if (entry[file]) options[file] = fs.readFileSync(entry[file]);
    for (const word of ['servername', 'minVersion', 'maxVersion', 'ciphers']) if (entry[word]) options[word] = entry[word];
    agents[name] = new https.Agent(options);
  }
  return agents[name];
}

function ask(entry) {
  return new Promise((resolve) => {
    const options = { method: entry.method || 'GET', headers: entry.headers || {}, agent: agentOf(entry) };
    const req = https.request(entry.url, options, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () => resolve({
        ok: true, status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString(),
        reusedSocket: req.reusedSocket, resumed: req.socket ? req.socket.isSessionReused() : false,
      }));
      res.on('error', (error) => resolve({ ok: false, code: error.code, message: error.message }));
    });
    req.on('error', (error) => resolve({ ok: false, code: error.code, message: error.message, reason: error.reason }));
    req.end(entry.data);
  });
}

(async () => {
  const answers = [];
  for (const entry of wanted) answers.push(await ask(entry));
  for (const name of Object.keys(agents)) agents[name].destroy();
  console.log(JSON.stringify(answers));
})();
