"""Stopping, dying, coming back, and reading the configuration again."""
import json
import unittest

from server_case import SECONDS, ServerCase, run, until


class Lifecycle(ServerCase):
    def test_sigterm_under_load_loses_nothing_and_repeats_nothing(self):
        self.start_sink()
        self.start_server()
        source = self.source(persist=True, sessions=20, rate=1500)
        until("load", SECONDS, lambda: self.sink.stats()["messages"] > 1000)
        self.assertEqual(self.server.stop(SECONDS), 0)
        source.stop()
        self.server.start(SECONDS)
        self.wait_arrived(*self.acknowledged(source))
        self.wait_totals(recipients=0)
        doubled = [token for token, times in self.arrived().items() if len(times) > 1]
        self.assertEqual(doubled, [])
        self.assertEqual(self.wait_events("server.stopped")[0]["type"], "server.stopped")

    def test_sigterm_while_the_receiver_is_slow_repeats_nothing(self):
        self.start_sink("--delay-ms", "300")
        self.start_server({"retry": {"first": "1h", "longest": "1h"}})  # an attempt that is counted shows
        source = self.source(messages=60, sessions=20)
        source.join(SECONDS)
        until("deliveries under way", SECONDS, lambda: self.sink.stats()["messages"] > 0)
        self.assertEqual(self.server.stop(SECONDS), 0)
        self.server.start(SECONDS)
        self.wait_arrived(*self.acknowledged(source))
        self.wait_totals(recipients=0)
        self.assertEqual({len(times) for times in self.arrived().values()}, {1})

    def test_kill_9_loses_nothing(self):
        self.start_sink("--refuse", "later.test=451 4.2.1 not now")
        self.start_server({"retry": {"first": "1s", "longest": "1s"}})
        source = self.source(persist=True, sessions=20, domain="later.test")
        until("load", SECONDS, lambda: len(self.acknowledged(source)) > 2000)
        self.server.kill()
        source.stop()
        self.start_sink()
        self.server.start(SECONDS)
        self.wait_arrived(*self.acknowledged(source))
        self.assertEqual({times[0].verdict for times in self.arrived().values()}, {"ok"})

    def test_a_restart_restores_the_schedule(self):
        self.start_sink("--refuse", "later.test=451 4.2.1 not now")
        self.start_server({"retry": {"first": "1h", "longest": "1h"}})
        self.source(domain="later.test", messages=50).join(SECONDS)
        self.wait_totals(recipients=50, deferred=50)
        before = self.due_times()
        for stop in (self.server.stop, self.server.kill):
            stop()
            self.server.start(SECONDS)
            self.wait_totals(recipients=50, deferred=50)
            self.assertEqual(self.due_times(), before)
        self.assertEqual(self.sink.stats()["refused"], 50, "nobody was tried again before it was due")

    def due_times(self):
        answer = self.server.http("/api/v1/recipients?count=1000")
        self.assertEqual(answer[0], 200, answer[1])
        return {(r["message"], r["recipient"]): (r["due"][:19], r["attempts"]) for r in json.loads(answer[1])["recipients"]}

    def test_two_servers_never_share_a_spool(self):
        self.start_sink()
        self.start_server()
        second = run("timeout", SECONDS, self.server.binary, "serve", "--config", self.server.config, check=False, timeout=2 * SECONDS)
        self.assertTrue(self.server.process.is_running(), second)
        self.assertEqual(self.server.http("/healthz")[0], 200)

    def test_a_reload_takes_effect_without_a_restart(self):
        self.start_sink(verify=False)
        self.start_server()
        pid = self.server.pid
        self.server.settings["smtp"]["recipients_max"] = 100
        self.server.settings["route"] = [{"domain": "nowhere.test", "hosts": ["127.0.0.1"], "port": 1}, *self.server.settings["route"]]
        self.server.write_config()
        done = self.server.cli_run("config", "reload")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.send("someone@nowhere.test")
        self.wait_events("connection.failed")
        self.send("someone@elsewhere.test")
        self.wait_arrived("someone")
        self.assertEqual(self.server.pid, pid)
        self.assertTrue(self.wait_events("config.reloaded")[0]["changes"])

    def test_a_wrong_configuration_is_refused_with_its_place_and_the_old_one_stays(self):
        self.start_sink(verify=False)
        self.start_server()
        good = self.server.config.read_text()
        self.server.config.write_text(good + "\n[retry_]\nfirst = \"2s\"\n")
        done = self.server.cli_run("config", "reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr + done.stdout, r"mailweir\.toml:\d+")
        self.wait_events("config.rejected")
        self.send("someone@example.com")
        self.wait_arrived("someone")


if __name__ == "__main__":
    unittest.main()
