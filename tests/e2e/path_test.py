"""A path that is refused, as an operator meets it: what is said, what outlives kill -9, what a hand on it does."""
import unittest

from server_case import BINARY, SECONDS, ServerCase, until

from lab.receiver import Receiver

ALWAYS = {"greylist.share": 0, "recipients.full": 0, "recipients.busy": 0}  # nothing but what the test asks for


class Paths(ServerCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver(BINARY, self.folder, "penalty-box", ALWAYS, smtp_port=self.sink_port)
        self.start_server()
        self.provider = f"127.0.0.1:{self.sink_port}"

    def _stop_all(self):
        super()._stop_all()
        if self.receiver.process.is_running():
            self.receiver.process.kill()

    def refused(self):
        """What the receiver has refused so far."""
        account = self.receiver.source()
        return account["transient"] if account else 0

    def path(self):
        paths = self.server.cli("path", "list")["paths"]
        return paths[0] if paths else None

    def hold(self, mails=3):
        """The receiver shuts us out, and the path is held."""
        self.assertEqual(self.receiver.control("trip")[0], 200)
        for i in range(mails):
            self.send(f"user{i}@example.com")
        until("a held path", SECONDS, lambda: self.path() and self.path()["state"] == "held", 0.05)

    def hand(self, *arguments, code=0):
        done = self.server.cli_run("path", *arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}{done.stdout}")
        return done.stdout + done.stderr

    def state(self):
        return self.path()["state"]

    def test_a_held_path_is_named_with_its_refusal(self):
        self.hold()
        explained = self.server.cli_run("explain", "user0@example.com")
        self.assertEqual(explained.returncode, 0, explained.stderr)
        answer = explained.stdout.splitlines()[0]
        for part in ("Held since ", f"{self.provider} refused default with 451 4.7.500", "(forecast)", "no other path carries on"):
            self.assertIn(part, answer)
        japanese = self.server.cli_run("explain", "--path", "default", self.provider, "--lang", "ja").stdout
        self.assertTrue(japanese.startswith("保留中 "), japanese)
        self.assertIn(f"default → {self.provider}: Held since ", self.server.cli_run("status").stdout)
        refusal = self.path()["last_refusal"]
        self.assertEqual((refusal["reply_code"], refusal["phase"]), (451, "mail"))
        self.assertTrue(refusal["rule"], refusal)
        detected = self.wait_events("throttle.detected", source="default", provider=self.provider)[0]
        self.assertEqual((detected["cause"], detected["paths_held"], detected["reply"]["code"]), ("throttle", 1, 451))
        self.wait_events("step", provider=self.provider)
        self.assertEqual(self.server.metric("mailweir_paths_held"), 1)
        missing = self.server.cli_run("explain", "nobody@example.com")
        self.assertEqual(missing.returncode, 4, missing.stderr)

    def test_a_held_path_stays_held_after_kill_9(self):
        self.hold()
        since = self.path()["learned"]["since"]
        until("the hold on the disk", SECONDS, lambda: self.wait_events("step"), 0.05)
        refused = self.refused()
        self.send("last@example.com")  # its commit comes after the one of the hold
        self.server.kill()
        self.server.start(SECONDS)
        until("the path in use", SECONDS, self.path, 0.05)
        self.assertEqual(self.state(), "held")
        self.assertEqual(self.path()["learned"]["since"][:16], since[:16])
        for i in range(20):
            self.send(f"new{i}@example.com")
        self.assertEqual(self.state(), "held")
        self.assertEqual(self.receiver.source()["messages"], 0)
        probes = len(self.wait_events("probe")) if self.refused() > refused else 0
        self.assertLessEqual(self.refused() - refused, probes + 1, "more than canaries went out")

    def test_released_it_recovers_by_a_canary(self):
        self.hold(mails=1)
        self.receiver.control("release")
        probe = self.wait_events("probe", verdict="better")[0]
        self.assertEqual(probe["provider"], self.provider)
        self.wait_totals(recipients=0)

    def test_a_pause_holds_mail_back_outlives_kill_9_and_is_undone(self):
        self.assertIn("--reason", self.hand("pause", "default", "*", code=2))
        self.assertIn("there is no source", self.hand("pause", "deflaut", "*", "--reason", "x", code=4))
        self.hand("pause", "default", "*", "--for", "2h", "--reason", "they asked us to wait")
        hand = self.server.cli("path", "hands")["hands"][0]
        self.assertEqual((hand["action"], hand["reason"], hand["provider"]), ("pause", "they asked us to wait", None))
        self.send("someone@example.com")
        until("a paused path", SECONDS, lambda: self.path() and self.state() == "paused", 0.05)
        self.server.kill()
        self.server.start(SECONDS)
        until("the paused path again", SECONDS, lambda: self.path() and self.state() == "paused", 0.05)
        again = self.server.cli("path", "hands")["hands"][0]
        self.assertEqual((again["id"], again["reason"], again["until"][:16]), (hand["id"], hand["reason"], hand["until"][:16]))
        self.assertIn("they asked us to wait", self.server.cli_run("explain", "someone@example.com").stdout.splitlines()[0])
        self.assertIsNone(self.receiver.source(), "something went out")
        self.hand("undo", hand["id"], "--reason", "they called")
        self.wait_totals(recipients=0)
        self.assertEqual(self.receiver.source()["messages"], 1)
        taken = self.wait_events("path.taken_back")[0]
        self.assertEqual((taken["hand"], taken["reason"]), (hand["id"], "they called"))
        self.assertTrue(taken["by"], taken)
        self.assertIn("nothing with the id", self.hand("undo", hand["id"], code=4))

    def test_a_pause_named_by_a_domain_binds_though_none_of_its_mail_waits(self):
        self.send("first@example.com")
        self.wait_totals(recipients=0)
        self.assertIn(f"example.com ({self.provider})", self.hand("pause", "default", "example.com", "--reason", "they called"))
        self.send("second@example.com")
        self.send("third@other.example")  # of the same provider
        until("a paused path", SECONDS, lambda: self.state() == "paused", 0.05)
        self.server.kill()
        self.server.start(SECONDS)
        self.send("fourth@other.example")
        until("the paused path again", SECONDS, lambda: self.path() and self.state() == "paused", 0.05)
        self.wait_totals(recipients=3)
        self.assertEqual(self.receiver.source()["messages"], 1)
        self.assertIn("can be no domain", self.hand("pause", "*", "exa_mple..com", "--reason", "x", code=2))
        self.hand("resume", "default", "example.com", "--reason", "over")
        self.wait_totals(recipients=0)

    def test_a_pause_ends_by_itself(self):
        self.hand("pause", "*", "*", "--for", "1s", "--reason", "a moment")
        self.send("someone@example.com")
        self.wait_totals(recipients=0)
        ended = self.wait_events("path.ended")[0]
        self.assertNotIn("by", ended)
        self.assertEqual(self.server.cli("path", "hands")["hands"], [])

    def test_a_cap_binds_and_a_resume_leaves_it(self):
        self.hand("cap", "default", "*", "--rate", "6/min", "--connections", "1", "--reason", "careful")
        self.send("first@example.com")
        self.wait_totals(recipients=0)
        self.send("second@example.com")
        until("a binding cap", SECONDS, lambda: self.path()["binding"] == "message_rate_cap", 0.05)
        path = self.path()
        self.assertEqual((path["caps"]["message_rate"], path["caps"]["connections"]), ("6/min", 1))
        self.assertIn("the cap on messages", self.server.cli_run("explain", "--path", "default", self.provider).stdout)
        self.assertIn("is not paused", self.hand("resume", "*", "*", "--reason", "x", code=4))
        self.hand("undo", self.server.cli("path", "hands")["hands"][0]["id"])
        self.wait_totals(recipients=0)

    def test_a_forgotten_path_is_told_with_what_was_known(self):
        self.hold()
        self.hand("forget", "default", self.provider, "--reason", "they released us")
        forgotten = self.wait_events("path.forgotten")[0]
        self.assertEqual((forgotten["source"], forgotten["reason"]), ("default", "they released us"))
        self.assertIn("held", forgotten["detail"])

    def test_what_was_forgotten_comes_back_after_kill_9(self):
        self.hold()
        since = self.path()["learned"]["since"]
        refusal = self.path()["last_refusal"]["reply"]
        self.hand("pause", "*", "*", "--reason", "nothing may be learned meanwhile")
        told = self.hand("forget", "default", self.provider, "--reason", "they released us")
        self.server.kill()
        self.assertIn(f"what was learned of default → {self.provider}", told)
        self.assertIn("`mailweir path undo 2` gives it back", told)
        self.server.start(SECONDS)
        listed = {hand["action"]: hand for hand in self.server.cli("path", "hands")["hands"]}
        self.assertEqual((listed["forget"]["id"], listed["forget"]["reason"]), (2, "they released us"))
        shown = self.server.cli_run("path", "hands", "--lang", "ja").stdout
        self.assertIn("学習消去", shown)
        # The path is new, and says that it was not always so.
        until("the path in use", SECONDS, self.path, 0.05)
        self.assertEqual(self.path()["learned"]["holds"], 0)
        explained = self.server.cli_run("explain", "--path", "default", self.provider)
        self.assertIn("they released us", explained.stdout)
        self.assertIn("`mailweir path undo 2` gives it back", explained.stdout)
        self.assertIn("Given back", self.hand("undo", "2", "--reason", "they have not"))
        self.assertEqual(self.path()["learned"]["mode"], "held")
        self.assertEqual(self.path()["learned"]["since"][:16], since[:16])
        self.assertEqual(self.path()["last_refusal"]["reply"], refusal)
        taken = self.wait_events("path.taken_back")[0]
        self.assertEqual((taken["hand"], taken["reason"]), (2, "they have not"))
        self.assertIn("nothing with the id", self.hand("undo", "2", code=4))
        # … and what came back is kept, too.
        self.server.kill()
        self.server.start(SECONDS)
        until("the path again", SECONDS, self.path, 0.05)
        self.assertEqual(self.path()["learned"]["mode"], "held")
        self.hand("resume", "*", "*", "--reason", "over")
        self.assertIn("Held since ", self.server.cli_run("explain", "--path", "default", self.provider).stdout)


class Hosts(ServerCase):
    """Two servers of one next hop; on the first nobody listens."""
    def setUp(self):
        super().setUp()
        self.start_sink()
        self.start_server({"route": [{"domain": "*", "hosts": ["127.0.0.2", "127.0.0.1"], "port": self.sink_port}],
                           "delivery": {"session_idle_max": "1s"}})
        self.provider = f"127.0.0.1:{self.sink_port}"

    def path(self):
        return self.server.cli("explain", "--path", "default", self.provider)["paths"][0]

    def failed(self):
        return [e for e in self.server.events() if e["type"] == "connect.failed"]

    def test_a_dead_host_is_left_out_shown_and_outlives_kill_9(self):
        self.send("first@example.com")
        self.wait_arrived("first")
        told = self.wait_events("throttle.detected", source="default", cell="mx_host 127.0.0.2")[0]
        self.assertEqual((told["cause"], told["failure"]), ("network", "connect_refused"))
        explained = self.server.cli_run("explain", "--path", "default", self.provider)
        self.assertEqual(explained.returncode, 0, explained.stderr)
        shown = explained.stdout
        self.assertIn("tried last since", shown)
        self.assertIn("127.0.0.2", shown)
        self.assertIn("から後回し", self.server.cli_run("explain", "--path", "default", self.provider, "--lang", "ja").stdout)
        self.send("second@example.com")  # its commit comes after the one of the hold
        self.wait_arrived("second")
        self.server.kill()
        self.server.start(SECONDS)
        before = len(self.failed())
        for i in range(5):
            self.send(f"later{i}@example.com")
        self.wait_arrived(*(f"later{i}" for i in range(5)))
        self.assertLessEqual(len(self.failed()) - before, 1, "more than a canary went to the dead host")
        host = self.path()["hosts"][0]
        self.assertEqual((host["host"], host["mode"], host["cause"]), ("127.0.0.2", "held", "network"))


class Campaigns(ServerCase):
    def setUp(self):
        super().setUp()
        old_list = dict(ALWAYS, **{"recipients.unknown": 0.5})
        self.receiver = Receiver(BINARY, self.folder, "penalty-box", old_list, smtp_port=self.sink_port)
        self.start_server()

    def _stop_all(self):
        super()._stop_all()
        if self.receiver.process.is_running():
            self.receiver.process.kill()

    def send_some(self, count, name):
        message = self.folder / "offer.eml"
        message.write_text("Subject: an offer\n\nFor you.\n")
        for i in range(count):
            done = self.server.cli_run("send", message, "--from", "shop@weir.test", "--to", f"{name}{i}@example.com", "--campaign", "june offer")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_campaign_whose_list_is_old_is_named_when_the_path_is_held(self):
        self.send_some(40, "user")
        self.wait_totals(recipients=0)
        self.assertEqual(self.receiver.control("trip")[0], 200)
        self.send_some(2, "late")
        detected = self.wait_events("throttle.detected")[0]
        self.assertEqual((detected["suspect"], detected["suspect_campaign"]), ("weir.test", "june offer"))
        self.assertGreater(detected["suspect_bounced"], 0.1)
        of_june = lambda: [event for event in self.wait_events("message.received") if event.get("campaign") == "june offer"]
        until("42 messages of the campaign in the event log", SECONDS, lambda: len(of_june()) == 42, 0.05)
        self.assertIn("of tenant weir.test's campaign june offer", self.server.cli_run("explain", "late0@example.com").stdout)
        rows = self.server.cli("queue", "--by", "campaign")["rows"]
        self.assertGreater({row["key"]: row["total"] for row in rows}["weir.test/june offer"], 0)
        listed = self.server.cli("queue", "-p", "--campaign", "june offer")["recipients"]
        self.assertEqual({row["campaign"] for row in listed}, {"june offer"})
        self.assertEqual(self.server.cli("queue", "-p", "--campaign", "july")["recipients"], [])
        held = self.server.cli("message", "hold", "--all", "--campaign", "june offer")
        self.assertEqual(held["matched"], len({row["message"] for row in listed}))
        self.assertIn("キャンペーン june offer", self.server.cli_run("explain", listed[0]["mailbox"], "--lang", "ja").stdout)


if __name__ == "__main__":
    unittest.main()
