// node --test fixture_test.mjs: the fixture itself, where tests rely on it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Int32, Long, deserialize, serialize } from 'bson';

import { run } from './commands.mjs';
import { plain } from './values.mjs';

let n = 0;
const fresh = () => `db${n++}`;
const ask = (db, command) => plain(run({ ...command, $db: db }).document);
/** A database with these documents in `c`. */
function withDocuments(...documents) {
  const db = fresh();
  const reply = ask(db, { insert: 'c', documents });
  assert.equal(reply.ok, 1);
  return db;
}
const found = (db, filter, options = {}) =>
  ask(db, { find: 'c', filter, ...options }).cursor?.firstBatch.map(({ _id }) => _id);

/** What an update makes of {_id: 1, ...before}: the document, or the code of its error. */
function updated(before, u) {
  const db = withDocuments({ _id: 1, ...before });
  const { writeErrors } = ask(db, { update: 'c', updates: [{ q: { _id: 1 }, u }] });
  if (writeErrors) return writeErrors[0].code;
  const { _id, ...after } = ask(db, { find: 'c', filter: {} }).cursor.firstBatch[0];
  return after;
}

test('numbers and other values are compared, multiplied and added', () => {
  assert.deepEqual(updated({ a: 5 }, { $max: { a: 7 } }), { a: 7 });
  assert.deepEqual(updated({ a: 5 }, { $max: { a: 3 } }), { a: 5 });
  assert.deepEqual(updated({ a: new Int32(5) }, { $max: { a: Long.fromNumber(6) } }), { a: 6 });
  assert.deepEqual(updated({ a: 'b' }, { $max: { a: 'c' } }), { a: 'c' });
  assert.deepEqual(updated({}, { $max: { 'a.b': 1 } }), { a: { b: 1 } });
  assert.deepEqual(updated({ a: 5 }, { $min: { a: 7 } }), { a: 5 });
  assert.deepEqual(updated({ a: 5 }, { $min: { a: 3 } }), { a: 3 });
  assert.deepEqual(updated({ a: 5 }, { $mul: { a: 3 } }), { a: 15 });
  assert.deepEqual(updated({}, { $mul: { a: 3 } }), { a: 0 });
  assert.deepEqual(updated({}, { $inc: { a: 3 } }), { a: 3 });
  assert.equal(updated({ a: 'x' }, { $mul: { a: 3 } }), 14);
  assert.equal(updated({ a: 'x' }, { $inc: { a: 3 } }), 14);
});

test('items leave arrays', () => {
  assert.deepEqual(updated({ a: [1, 2, 3] }, { $pop: { a: 1 } }), { a: [1, 2] });
  assert.deepEqual(updated({ a: [1, 2, 3] }, { $pop: { a: -1 } }), { a: [2, 3] });
  assert.deepEqual(updated({ b: 1 }, { $pop: { a: 1 } }), { b: 1 });
  assert.deepEqual(updated({ a: [1, 2, 1] }, { $pull: { a: 1 } }), { a: [2] });
  assert.deepEqual(updated({ a: [1, 2, 3] }, { $pull: { a: { $gte: 2 } } }), { a: [1] });
  assert.deepEqual(updated({ a: [{ b: 1, c: 1 }, { b: 2 }, 5] }, { $pull: { a: { b: 1 } } }), {
    a: [{ b: 2 }, 5],
  });
  assert.deepEqual(updated({ a: [1, 2, 3] }, { $pullAll: { a: [1, 3, 9] } }), { a: [2] });
  assert.equal(updated({ a: 5 }, { $pullAll: { a: [1] } }), 2);
});

test('$const is another name of $literal', () => {
  const db = withDocuments({ _id: 1 }, { _id: 2 });
  const pipeline = [
    { $match: {} },
    { $group: { _id: { $const: 1 }, n: { $sum: { $const: 1 } } } },
  ];
  const { cursor } = ask(db, { aggregate: 'c', pipeline, cursor: {} });
  assert.deepEqual(cursor.firstBatch, [{ _id: 1, n: 2 }]);
});

test('numbers alone have bits', () => {
  const values = [{ v: 'text' }, { v: 3 }, { v: [8, 'x'] }, {}];
  const db = withDocuments(...values.map((v, i) => ({ _id: i + 1, ...v })));
  assert.deepEqual(found(db, { v: { $bitsAllClear: 4 } }), [2, 3]);
  assert.deepEqual(found(db, { v: { $bitsAllSet: [0, 1] } }), [2]);
  assert.deepEqual(found(db, { v: { $bitsAnyClear: 3 } }), [3]);
  assert.deepEqual(found(db, { v: { $bitsAnySet: 9 } }), [2, 3]);
});

const place = (_id, ...coordinates) => ({ _id, at: { type: 'Point', coordinates } });

test('$near needs an index and finds the nearest first', () => {
  const db = withDocuments(place(1, 10, 10), place(2, 0, 1), place(3, 0, 0.5), { _id: 4, at: 'x' });
  const near = { at: { $near: { $geometry: { type: 'Point', coordinates: [0, 0] } } } };
  const refused = ask(db, { find: 'c', filter: near });
  assert.equal(refused.code, 291);
  assert.match(refused.errmsg, /unable to find index/);
  ask(db, { createIndexes: 'c', indexes: [{ key: { at: '2dsphere' }, name: 'at' }] });
  assert.deepEqual(found(db, near), [3, 2, 1]);
  assert.deepEqual(found(db, { ...near, _id: { $ne: 3 } }), [2, 1]);
  near.at.$near.$maxDistance = 120_000; // meters; a degree is 111 km
  assert.deepEqual(found(db, near), [3, 2]);
  near.at.$near.$minDistance = 60_000;
  assert.deepEqual(found(db, near), [2]);
  const flat = withDocuments({ _id: 1, at: [3, 4] }, { _id: 2, at: [0, 1] });
  ask(flat, { createIndexes: 'c', indexes: [{ key: { at: '2d' }, name: 'at' }] });
  assert.deepEqual(found(flat, { at: { $near: [0, 0] } }), [2, 1]);
  assert.deepEqual(found(flat, { at: { $nearSphere: [3, 4], $maxDistance: 0.01 } }), [1]);
  assert.equal(ask(flat, { find: 'c', filter: { at: { $near: 'x' } } }).code, 2);
});

test('places are found inside of shapes', () => {
  const db = withDocuments(place(1, 1, 1), place(2, 5, 5), { _id: 3, at: [2, 2] }, { _id: 4 });
  const square = [[0, 0], [0, 3], [3, 3], [3, 0], [0, 0]];
  const shapes = [
    { $geometry: { type: 'Polygon', coordinates: [square] } },
    { $polygon: square },
    { $box: [[0, 0], [3, 3]] },
    { $center: [[1, 1], 2] },
    { $centerSphere: [[1, 1], 0.03] },
  ];
  for (const shape of shapes) assert.deepEqual(found(db, { at: { $geoWithin: shape } }), [1, 3]);
  assert.deepEqual(found(db, { at: { $geoIntersects: shapes[0] } }), [1, 3]);
  assert.equal(ask(db, { find: 'c', filter: { at: { $geoWithin: { $none: 1 } } } }).code, 2);
});

test('$text needs an index', () => {
  const { code } = ask(fresh(), { find: 'c', filter: { $text: { $search: 'x' } } });
  assert.equal(code, 27);
});

test('explain says what is found and changes nothing', () => {
  const db = withDocuments({ _id: 1, a: 1 }, { _id: 2, a: 1 }, { _id: 3, a: 2 });
  const filter = { a: 1 };
  const commands = [
    { find: 'c', filter },
    { count: 'c', query: filter },
    { distinct: 'c', key: 'a', query: filter },
    { aggregate: 'c', pipeline: [{ $match: filter }], cursor: {} },
    { update: 'c', updates: [{ q: filter, u: { $set: { a: 5 } }, multi: true }] },
    { delete: 'c', deletes: [{ q: filter, limit: 0 }] },
    { findAndModify: 'c', query: filter, remove: true },
  ];
  for (const command of commands) {
    const reply = ask(db, { explain: command, verbosity: 'executionStats' });
    assert.equal(reply.ok, 1);
    assert.equal(reply.queryPlanner.namespace, `${db}.c`);
    assert.deepEqual(reply.queryPlanner.parsedQuery, filter);
    assert.equal(reply.executionStats.nReturned, 2);
    const { executionStats } = ask(db, { explain: command, verbosity: 'queryPlanner' });
    assert.equal(executionStats, undefined);
  }
  assert.deepEqual(found(db, {}), [1, 2, 3]);
  assert.equal(ask(db, { explain: { nothing: 1 } }).code, 59);
  assert.equal(ask(db, { explain: { find: 'c', filter: { a: { $nothing: 1 } } } }).code, 2);
});

/** Runs `body` with the fail point `failCommand` set. */
function failing(mode, data, body) {
  const set = (m, d) => ask('admin', { configureFailPoint: 'failCommand', mode: m, data: d });
  assert.equal(set(mode, data).ok, 1);
  try {
    body();
  } finally {
    set('off', {});
  }
}

test('failCommand fails the commands that it names', () => {
  const ping = (client) => run({ ping: 1, $db: 'admin' }, client);
  const failCommands = ['ping'];
  failing({ times: 2 }, { failCommands, errorCode: 11601, errorLabels: ['l'] }, () => {
    assert.equal(run({ hello: 1, $db: 'admin' }).document.ok, 1);
    for (let i = 0; i < 2; ++i) {
      const { document } = ping();
      assert.deepEqual([document.code, document.errorLabels], [11601, ['l']]);
    }
    assert.equal(ping().document.ok, 1);
    assert.equal(ask('admin', { configureFailPoint: 'failCommand', mode: 'off' }).count, 2);
  });
  failing({ skip: 1 }, { failCommands, errorCode: 1 }, () => {
    assert.deepEqual([ping(), ping(), ping()].map((r) => r.document.ok), [1, 0, 0]);
  });
  failing('alwaysOn', { failCommands, closeConnection: true, appName: 'a' }, () => {
    assert.equal(ping().document.ok, 1);
    assert.equal(ping({ appName: 'b' }).document.ok, 1);
    assert.equal(ping({ appName: 'a' }).hangUp, true);
  });
  failing('alwaysOn', { failCommands, blockConnection: true, blockTimeMS: 7 }, () => {
    assert.deepEqual([ping().delay, ping().document.ok], [7, 1]);
  });
  failing({ times: 1 }, { failCommands, writeConcernError: { code: 100, errmsg: 'x' } }, () => {
    assert.deepEqual(ping().document.writeConcernError, { code: 100, errmsg: 'x' });
  });
  assert.deepEqual([ping().delay, ping().document.ok], [0, 1]);
  assert.equal(ask('admin', { configureFailPoint: 'another', mode: 'off' }).code, 2);
  assert.equal(ask('admin', { configureFailPoint: 'failCommand', mode: 'x' }).code, 2);
});

/** A connection to a server of its own. */
class Connection {
  static async open() {
    const server = spawn(process.execPath, [fileURLToPath(new URL('server.mjs', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    const socket = connect(Number(value.split(' ')[1]), '127.0.0.1');
    return new Connection(server, socket);
  }
  constructor(server, socket) {
    Object.assign(this, { server, socket, bytes: Buffer.alloc(0), waiting: [], closed: false });
    socket.on('data', (data) => {
      this.bytes = Buffer.concat([this.bytes, data]);
      while (this.bytes.length >= 4 && this.bytes.length >= this.bytes.readInt32LE(0)) {
        const size = this.bytes.readInt32LE(0);
        this.waiting.shift()(plain(deserialize(this.bytes.subarray(21, size))));
        this.bytes = this.bytes.subarray(size);
      }
    });
    socket.on('close', () => {
      for (const answered of this.waiting) answered('closed');
    });
  }
  ask(command) {
    const body = Buffer.from(serialize({ ...command, $db: command.$db ?? 'admin' }));
    const head = Buffer.alloc(21);
    head.writeInt32LE(head.length + body.length, 0);
    head.writeInt32LE(2013, 12);
    this.socket.write(Buffer.concat([head, body]));
    return new Promise((answered) => this.waiting.push(answered));
  }
  close() {
    this.socket.destroy();
    this.server.stdin.end();
  }
}

test('the server waits, hangs up, and knows its clients by name', async () => {
  const c = await Connection.open();
  try {
    const hello = await c.ask({ hello: 1, client: { application: { name: 'me' } } });
    assert.equal(hello.maxWireVersion, 21);
    const set = (data) =>
      c.ask({
        configureFailPoint: 'failCommand',
        mode: { times: 1 },
        data: { failCommands: ['ping'], appName: 'me', ...data },
      });
    assert.equal((await set({ blockConnection: true, blockTimeMS: 1 })).ok, 1);
    assert.equal((await c.ask({ ping: 1 })).ok, 1);
    await set({ blockConnection: true, blockTimeMS: 1, errorCode: 5 });
    assert.equal((await c.ask({ ping: 1 })).code, 5);
    await set({ closeConnection: true });
    assert.equal(await c.ask({ ping: 1 }), 'closed');
  } finally {
    c.close();
  }
});
