// A web server with TLS, for tests: node web_server.js DIRECTORY [http1]
//
// HTTP/2 and 1.1, or the second alone. Prints its port. DIRECTORY has cert.pem and key.pem and gets journal, a line for
// each request. /tagged has an ETag and answers a condition on it, /dated a Last-Modified; /later
// asks for patience until a date. Everything else tells which HTTP was spoken. Ends with its
// standard input.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const path = require('path');

const directory = process.argv[2];
const read = (name) => fs.readFileSync(path.join(directory, name));
const journal = fs.openSync(path.join(directory, 'journal'), 'a');
const dated = 'Wed, 03 Dec 2025 10:00:00 GMT';

function answer(request) {
  const head = request.headers;
  switch (request.url) {
    case '/tagged':
      return head['if-none-match'] === '"v1"' ? [304, { etag: '"v1"' }] : [200, { etag: '"v1"' }];
    case '/dated':
      return head['if-modified-since'] === dated ? [304, {}] : [200, { 'last-modified': dated }];
    case '/later':
      return [429, { 'retry-after': new Date(Date.now() + 40_000).toUTCString() }];
    default:
      return [200, {}];
  }
}

const options = { cert: read('cert.pem'), key: read('key.pem'), allowHTTP1: true };
const create = process.argv[3] === 'http1' ? https.createServer : http2.createSecureServer;
const server = create(options, (request, response) => {
  const [status, headers] = answer(request);
  fs.writeSync(journal, `${request.method} ${request.url} ${status} HTTP/${request.httpVersion}\n`);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(status === 304 ? undefined : JSON.stringify({ version: request.httpVersion }));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
