"""The commands, as an operator meets them: their answers, their exit codes, and that they are quick."""
import json
import unittest

from server_case import SECONDS, ServerCase, until


class Commands(ServerCase):
    def setUp(self):
        super().setUp()
        self.start_sink("--refuse", "later.test=451 4.2.1 not now", verify=False)
        self.start_server({"retry": {"first": "1h", "longest": "1h"}})

    def test_status_and_queue_tell_what_waits(self):
        self.send("someone@later.test")
        self.wait_totals(recipients=1, deferred=1)
        self.assertEqual(self.server.cli("queue")["totals"]["recipients"], 1)
        for command in ("status", "queue"):
            text = self.server.cli_run(command)
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertIn("1", text.stdout)

    def test_trace_tells_a_message_from_its_receipt_to_its_delivery(self):
        number = self.send("someone@example.com")
        self.wait_arrived("someone")
        self.wait_events("attempt", outcome="delivered")
        kinds = [event["type"] for event in self.server.cli("trace", number)["events"]]
        self.assertEqual(kinds[0], "message.received")
        self.assertIn("attempt", kinds)

    def test_hold_keeps_a_message_until_it_is_released(self):
        number = self.send("someone@later.test")
        self.wait_totals(deferred=1)
        self.act("hold", number)
        self.wait_totals(held=1)
        self.assertEqual(self.wait_events("message.held")[0]["id"], number)
        self.act("release", number)
        self.wait_totals(held=0)

    def test_retry_tries_at_once(self):
        number = self.send("someone@later.test")
        self.wait_totals(deferred=1)
        self.sink.accept_all()
        self.act("retry", number)
        self.wait_arrived("someone")
        self.wait_totals(recipients=0)

    def test_delete_removes_without_a_report(self):
        number = self.send("someone@later.test")
        self.wait_totals(deferred=1)
        self.act("delete", number, "--yes")
        self.wait_totals(recipients=0)
        self.assertEqual(self.wait_events("message.deleted")[0]["id"], number)
        self.assertEqual(self.arrived(), {})

    def act(self, action, *arguments):
        done = self.server.cli_run("message", action, *arguments)
        self.assertEqual(done.returncode, 0, f"{action}: {done.stderr}{done.stdout}")

    def test_message_show_has_envelope_and_last_reply(self):
        number = self.send("someone@later.test")
        self.wait_totals(deferred=1)
        shown = ""

        def is_complete():  # the reply's text is read from the spool, where it is a moment later
            nonlocal shown
            shown = json.dumps(self.server.cli("message", "show", number))
            return all(words in shown for words in ("someone@later.test", "sender@weir.test", "not now"))
        until("envelope and reply", SECONDS, is_complete, 0.05)

    def test_an_unknown_message_has_an_exit_code_of_its_own(self):
        unknown = self.server.cli_run("message", "show", "0000000000009")
        self.assertNotIn(unknown.returncode, (0, 1))
        self.server.stop(SECONDS)
        unreachable = self.server.cli_run("status")
        self.assertNotIn(unreachable.returncode, (0, unknown.returncode))
        self.assertIn("is it running", unreachable.stderr)

    def test_config_check_and_show(self):
        checked = self.server.cli_run("config", "check", self.server.config)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        shown = self.server.cli_run("config", "show")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("mailweir.weir.test", shown.stdout)

    def test_metrics_count_what_went_through(self):
        self.send("someone@example.com")
        self.wait_arrived("someone")
        status, page = self.server.http("/metrics")
        self.assertEqual(status, 200)
        names = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE mailweir_")}
        self.assertGreater(len(names), 10)
        until("a counted delivery", SECONDS, lambda: self.server.status()["counters"]["delivered"] == 1, 0.05)


if __name__ == "__main__":
    unittest.main()
