// Node-RED without its editor: the flow alone, so that nothing else takes its time.
module.exports = {
    flowFile: "flows.json",
    httpAdminRoot: false,
    uiHost: "127.0.0.1",
    uiPort: Number(process.env.BENCH_UI_PORT),
    credentialSecret: false,
    logging: { console: { level: "warn" } },
};
