// SPDX-License-Identifier: Apache-2.0
// Usage: node types.js MODULES SOCKET PORT FILE     (the contract: test_drivers.py; MODULES: where npm has put mysql2)
const fs = require("fs");
const [modules, socket, , file] = process.argv.slice(2);
const mysql = require(modules + "/mysql2/promise");

function show(name, id, protocol, v) {
    const bytes = v === null ? null : Buffer.isBuffer(v) ? v : Buffer.from(typeof v === "object" ? JSON.stringify(v) : String(v));
    console.log([name, id, protocol, bytes === null ? "NULL" : bytes.toString("hex")].join("\t"));
}

(async () => {
    const c = await mysql.createConnection({socketPath: socket, user: "root", database: "drivers", charset: "utf8mb4", dateStrings: true, supportBigNumbers: true, bigNumberStrings: true});
    for (const line of fs.readFileSync(file, "utf8").trimEnd().split("\n")) {
        const [name, definition, isBytes, hex] = line.split("\t");
        const bytes = hex === "NULL" ? null : Buffer.from(hex, "hex");
        const value = bytes === null ? null : isBytes === "1" ? bytes : bytes.toString("utf8");
        await c.query("CREATE TABLE `" + name + "` (id INT PRIMARY KEY, v " + definition + ")");
        await c.query("INSERT INTO `" + name + "` VALUES (1, ?)", [value]);
        await c.execute("INSERT INTO `" + name + "` VALUES (?, ?)", [2, value]);
        const select = "SELECT id, v FROM `" + name + "` WHERE id > ? ORDER BY id";
        for (const r of (await c.query(select, [0]))[0]) show(name, r.id, "text", r.v);
        for (const r of (await c.execute(select, [0]))[0]) show(name, r.id, "binary", r.v);
    }
    await c.end();
})().catch(e => { console.error(e); process.exit(1); });
