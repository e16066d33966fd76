// SPDX-License-Identifier: Apache-2.0
// koa behind https that demands a client certificate, as in the third tutorial: node koa_server.js ENTRY.json
// {cert, key, ca}.  Prints its port.
'use strict';
const fs = require('fs');
const https = require('https');
const Koa = require('koa');

const entry = JSON.parse(fs.readFileSync(process.argv[2]));
const app = new Koa();
app.use(async (ctx) => { ctx.body = 'Hello, secure world!'; });
const options = { requestCert: true, rejectUnauthorized: true };
for (const name of ['cert', 'key', 'ca']) options[name] = fs.readFileSync(entry[name]);
const server = https.createServer(options, app.callback());
server.listen(0, '127.0.0.1', () => console.log(String(server.address().port)));
