// Runs in the extension host of VS Code: answers each line with the value of a function of the API.

const { createServer } = require("node:net");
const { createInterface } = require("node:readline");
const vscode = require("vscode");

exports.activate = () => {
  const server = createServer(async (socket) => {
    for await (const line of createInterface({ input: socket })) {
      let answer;
      try {
        const { script, arguments: values } = JSON.parse(line);
        answer = { value: (await eval(script)(vscode, ...values)) ?? null };
      } catch (error) {
        answer = { error: String(error?.stack ?? error) };
      }
      socket.write(`${JSON.stringify(answer)}\n`);
    }
  });
  server.listen(process.env.VAULTLINK_TEST_SOCKET);
};
