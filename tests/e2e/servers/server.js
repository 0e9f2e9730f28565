// A server as people write it, on the socket that it is handed; it ends what it has begun.
const http = require('http');

const server = http.createServer((request, response) => {
  response.setHeader('Connection', 'close');
  response.end(`version 1 pid ${process.pid}`);
});
server.listen({fd: 3});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
