"""One message's way through the house: taken, delivered, refused, reported."""
import unittest

from server_case import ServerCase


class Relay(ServerCase):
    def test_a_message_from_swaks_reaches_the_sink(self):
        self.start_sink(verify=False)
        self.start_server()
        self.send("someone@example.com")
        self.wait_arrived("someone")
        self.assertEqual(len(self.arrived()["someone"]), 1)
        self.wait_totals(recipients=0)

    def test_what_was_sent_arrives_unchanged_once(self):
        self.start_sink()
        self.start_server()
        source = self.source(messages=500, sessions=10, size=6000)
        figures = source.join(60)
        self.assertEqual(figures["acked"], 500)
        self.wait_arrived(*self.acknowledged(source))
        self.wait_totals(recipients=0)
        self.assertEqual({times[0].verdict for times in self.arrived().values()}, {"ok"})
        self.assertEqual({len(times) for times in self.arrived().values()}, {1})

    def test_starttls_is_offered_and_works(self):
        self.start_sink(verify=False)
        self.start_server()
        self.send("someone@example.com", "--tls")
        self.wait_arrived("someone")
        received = self.wait_events("message.received")[0]
        self.assertTrue(received["tls"].startswith("TLS"), received)

    def test_a_client_outside_the_relay_networks_is_refused(self):
        self.start_sink(verify=False)
        self.start_server({"smtp": {"relay_networks": ["192.0.2.0/24"]}})
        with self.assertRaisesRegex(Exception, r"\*\* 5[0-9]{2} "):
            self.send("someone@example.com")
        self.assertEqual(self.arrived(), {})

    def test_a_4xx_is_retried_until_it_is_delivered(self):
        self.start_sink("--refuse", "later.test=451 4.2.1 not now", verify=False)
        self.start_server({"retry": {"first": "1s", "longest": "1s"}})
        self.send("someone@later.test")
        self.wait_events("attempt", outcome="deferred")
        self.start_sink(verify=False)
        self.wait_arrived("someone")
        delivered = self.wait_events("attempt", outcome="delivered")[0]
        self.assertGreaterEqual(delivered["attempt"], 2)

    def test_a_5xx_bounces_and_the_sender_is_told(self):
        saved = self.folder / "saved"
        saved.mkdir()
        self.start_sink("--refuse", "gone.test=550 5.1.1 no such mailbox here", "--save", saved, verify=False)
        self.start_server()
        self.send("nobody@gone.test", "--header", "Subject: the first words")
        self.wait_arrived("sender")
        report = next(saved.iterdir()).read_text()
        for line in ("multipart/report", "Final-Recipient: rfc822;", "nobody@gone.test", "Action: failed", "Status: 5.1.1", "no such mailbox here", "the first words"):
            self.assertIn(line, report.replace("rfc822; ", "rfc822;"))
        self.assertNotIn("Hello.", report, "a report holds the headers only")
        self.wait_totals(recipients=0)

    def test_a_report_that_bounces_makes_no_other_report(self):
        self.start_sink("--refuse", "gone.test=550 5.1.1 no such mailbox here", verify=False)
        self.start_server({"dsn": {"postmaster": "postmaster@gone.test"}})
        self.send("nobody@gone.test", sender="nobody-either@gone.test")
        self.wait_events("dsn.sent")
        self.wait_totals(recipients=0)
        self.assertEqual(self.arrived(), {})
        self.assertLessEqual(len(self.wait_events("dsn.sent")), 2)  # to the sender, and about that to the postmaster

    def test_one_destination_that_hangs_does_not_hold_up_another(self):
        self.start_sink("--refuse", "later.test=451 4.2.1 not now")
        self.start_server({"retry": {"first": "1h", "longest": "1h"}})
        parked = self.source("parked", domain="later.test", prefix="p", messages=300)
        parked.join(60)
        healthy = self.source("healthy", domain="well.test", prefix="h", messages=300)
        healthy.join(60)
        self.wait_arrived(*self.acknowledged(healthy))
        self.wait_totals(recipients=300, deferred=300)


if __name__ == "__main__":
    unittest.main()
