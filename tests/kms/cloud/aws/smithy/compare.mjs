// Reads signed requests, one JSON object a line, and signs each anew with @smithy/signature-v4.
// Fails at the first that has another Authorization. Is run where node_modules lies.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.cwd() + "/");
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");

const headersToAdd = ["x-amz-date", "x-amz-security-token", "authorization"];
let compared = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const ours = JSON.parse(line);
  const headers = {};
  for (const [name, value] of Object.entries(ours.headers))
    if (!headersToAdd.includes(name.toLowerCase())) headers[name] = value;
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: ours.accessKeyId,
      secretAccessKey: ours.secretAccessKey,
      ...(ours.sessionToken ? { sessionToken: ours.sessionToken } : {}),
    },
    region: ours.region,
    service: ours.service,
    sha256: Sha256,
    applyChecksum: false,
  });
  const theirs = await signer.sign(
    { method: "POST", protocol: "https:", hostname: "", path: "/", query: {}, headers, body: ours.body },
    { signingDate: new Date(ours.seconds * 1000) },
  );
  for (const name of ["x-amz-date", "x-amz-security-token", "authorization"]) {
    const mine = Object.entries(ours.headers).find(([n]) => n.toLowerCase() === name)?.[1];
    if (theirs.headers[name] !== mine) {
      console.error(`request ${compared}: ${name}\n  @smithy: ${theirs.headers[name]}\n  libfle:  ${mine}`);
      process.exit(1);
    }
  }
  ++compared;
}
if (compared < 50) {
  console.error(`only ${compared} requests were compared`);
  process.exit(1);
}
console.log(`${compared} signatures are those of @smithy/signature-v4`);
