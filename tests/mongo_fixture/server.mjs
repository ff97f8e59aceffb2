// node server.mjs [--port N] [--log FILE] [--bytes FILE]
//
// A server for tests that speaks MongoDB's wire protocol (OP_MSG, and OP_QUERY for the first hello)
// on 127.0.0.1 and keeps everything in memory. Prints "port N" once it listens, and ends when its
// standard input is closed: with the test that started it. FILE gets every command but the
// handshake as a line of canonical Extended JSON; the other FILE gets every byte that comes in.
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

import { EJSON, deserialize, serialize } from 'bson';

import { run } from './commands.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    log: { type: 'string' },
    bytes: { type: 'string' },
  },
});

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;
const MAX_MESSAGE = 48_000_000;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;

// Numbers keep their BSON types: what is stored must come back byte for byte.
const parse = (bytes) => deserialize(bytes, { promoteValues: false });

function documentsOf(bytes) {
  const documents = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readInt32LE(at);
    documents.push(parse(bytes.subarray(at, at + size)));
    at += size;
  }
  return documents;
}

/** The command of an OP_MSG; document sequences become arrays, as in the command itself. */
function parseMessage(body) {
  const flags = body.readUInt32LE(0);
  const end = body.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let command;
  const sequences = {};
  for (let at = 4; at < end; ) {
    const kind = body[at++];
    const size = body.readInt32LE(at);
    const section = body.subarray(at, at + size);
    at += size;
    if (kind === 0) {
      command = parse(section);
    } else {
      const nul = section.indexOf(0, 4);
      sequences[section.toString('utf8', 4, nul)] = documentsOf(section.subarray(nul + 1));
    }
  }
  return { command: { ...command, ...sequences }, silent: (flags & MORE_TO_COME) !== 0 };
}

function parseQuery(body) {
  const nul = body.indexOf(0, 4);
  const database = body.toString('utf8', 4, nul).split('.')[0];
  const size = body.readInt32LE(nul + 9);
  return { ...parse(body.subarray(nul + 9, nul + 9 + size)), $db: database };
}

function frame(opcode, responseTo, body) {
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + body.length, 0);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opcode, 12);
  return Buffer.concat([header, body]);
}

function answer(opcode, id, reply) {
  const document = Buffer.from(serialize(reply, { ignoreUndefined: true }));
  if (opcode === OP_MSG) return frame(OP_MSG, id, Buffer.concat([Buffer.alloc(5), document]));
  const prefix = Buffer.alloc(20);
  prefix.writeInt32LE(1, 16); // one document
  return frame(OP_REPLY, id, Buffer.concat([prefix, document]));
}

function handle(socket, client, message) {
  const id = message.readInt32LE(4);
  const opcode = message.readInt32LE(12);
  const body = message.subarray(HEADER);
  if (opcode !== OP_MSG && opcode !== OP_QUERY) return socket.destroy();
  const { command, silent } =
    opcode === OP_MSG ? parseMessage(body) : { command: parseQuery(body), silent: false };
  client.appName ??= command.client?.application?.name;
  const reply = run(command, client);
  if (options.log && !reply.handshake)
    appendFileSync(options.log, EJSON.stringify(command, { relaxed: false }) + '\n');
  const end = () => {
    if (reply.hangUp) socket.destroy();
    else if (!silent && !socket.destroyed) socket.write(answer(opcode, id, reply.document));
  };
  if (reply.delay) setTimeout(end, reply.delay);
  else end();
}

const server = createServer((socket) => {
  const client = {};
  let waiting = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    if (options.bytes) appendFileSync(options.bytes, data);
    waiting = Buffer.concat([waiting, data]);
    while (waiting.length >= HEADER && !socket.destroyed) {
      const size = waiting.readInt32LE(0);
      if (size < HEADER || size > MAX_MESSAGE) return socket.destroy();
      if (waiting.length < size) return;
      handle(socket, client, waiting.subarray(0, size));
      waiting = waiting.subarray(size);
    }
  });
});

for (const file of [options.log, options.bytes]) if (file) writeFileSync(file, '');
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`port ${server.address().port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
