#include "console/front_page.h"

#include <string_view>

namespace mailweir::console {
namespace {

constexpr std::string_view page = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailweir</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
code { font-family: ui-monospace, monospace; }
section + section { border-top: 1px solid; margin-top: 2rem; padding-top: 1rem; }
</style>
</head>
<body>
<h1>Mailweir</h1>
<section>
<p>This is the admin API of a Mailweir mail server. It only reads; changes are made with the
<code>mailweir</code> command on the server itself.</p>
<ul>
<li><a href="/api/v1/status">Status</a> (JSON)</li>
<li><a href="/api/v1/queue?by=provider">Queue by provider</a> (JSON)</li>
<li><a href="/api/v1/recipients">Waiting recipients</a> (JSON)</li>
<li><a href="/api/v1/paths">Paths, and what the diagnosis says of them</a> (JSON)</li>
<li><a href="/metrics">Metrics</a> (Prometheus)</li>
<li><a href="/healthz">Alive?</a> · <a href="/readyz">Ready?</a></li>
</ul>
</section>
<section lang="ja">
<p>これは Mailweir メールサーバーの管理 API です。ここでは閲覧だけができます。操作はサーバー上の
<code>mailweir</code> コマンドで行います。</p>
<ul>
<li><a href="/api/v1/status">状態</a>(JSON)</li>
<li><a href="/api/v1/queue?by=provider">プロバイダー別の送信待ち</a>(JSON)</li>
<li><a href="/api/v1/recipients">送信待ちの宛先</a>(JSON)</li>
<li><a href="/api/v1/paths">経路とその診断</a>(JSON)</li>
<li><a href="/metrics">メトリクス</a>(Prometheus)</li>
<li><a href="/healthz">稼働確認</a> · <a href="/readyz">受付確認</a></li>
</ul>
</section>
</body>
</html>
)html";

}  // namespace

Response front_page() {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = page;
  return response;
}

}  // namespace mailweir::console
