#include "server/status_page.h"

namespace millrace {

const std::string_view kStatusPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'">
<title>Millrace</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color-scheme: light dark }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: right; padding: .2em .6em; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums }
  th:first-child, td:first-child, .text { text-align: left }
  .failed, .restarting, #fault { color: #c33 }
</style>
<h1>Millrace</h1>
<p id="fault" role="status"></p>
<form id="login" hidden><label>Token <input type="password" autocomplete="off"></label> <button>Show</button></form>
<h2>Jobs</h2>
<table><thead></thead><tbody id="jobs"></tbody></table>
<h2>Models</h2>
<p>Times of a request in µs; those behind p99 are means.</p>
<table><thead></thead><tbody id="models"></tbody></table>
<script>
const count = n => n === undefined || n === null ? "" : n.toLocaleString("en");
const columns = {
  jobs: [["Job", j => j.name], ["Phase", j => j.phase], ["Rows read", j => count(j.rows_read)],
         ["Written", j => count(j.rows_written)], ["Rejected", j => count(j.rows_rejected)], ["Error", j => j.error || ""]],
  models: [["Model", m => m.model], ["Version", m => m.version.slice(0, 19)], ["Calls", m => count(m.calls)],
           ["Rows", m => count(m.rows)], ["Failed rows", m => count(m.failed_rows)], ["p50", m => count(m.call_us.p50)],
           ["p99", m => count(m.call_us.p99)], ["Engine queue", m => count(m.time_us.engine_queue)],
           ["Network", m => count(m.time_us.network)], ["Server queue", m => count(m.time_us.server_queue)],
           ["Server compute", m => count(m.time_us.server_compute)]],
};
const textual = ["Phase", "Error", "Version"];
function row(tag, cells, names) {
  const tr = document.createElement("tr");
  cells.forEach((cell, i) => {
    const td = tr.appendChild(document.createElement(tag));
    td.textContent = cell;
    if (textual.includes(names[i])) td.className = names[i] === "Phase" ? "text " + cell : "text";
  });
  return tr;
}
let token = "";
async function refresh() {
  const fault = document.getElementById("fault"), login = document.getElementById("login");
  try {
    for (const [kind, cells] of Object.entries(columns)) {
      const answer = await fetch("v1/" + kind, token ? {headers: {Authorization: "Bearer " + token}} : {});
      login.hidden = answer.status !== 401;
      if (!answer.ok) throw new Error((await answer.json()).error);
      const names = cells.map(([name]) => name), body = document.getElementById(kind);
      body.previousElementSibling.replaceChildren(row("th", names, names));
      body.replaceChildren(...(await answer.json())[kind].map(each => row("td", cells.map(([, of]) => of(each)), names)));
    }
    fault.textContent = "";
  } catch (error) {
    fault.textContent = error.message;
  }
}
document.getElementById("login").addEventListener("submit", event => {
  event.preventDefault();
  token = event.target.querySelector("input").value;
  refresh();
});
refresh();
setInterval(refresh, 2000);
</script>
</html>
)html";

}  // namespace millrace
