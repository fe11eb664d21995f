// Replaces node:http2, which Fastify and undici load for HTTP/2. Our services listen on Unix sockets and
// use HTTP/1.1; without node:http2 each task starts 4 ms earlier and takes 5 MB less.
export const constants = {};
