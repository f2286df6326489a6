"""`mailweir sink` as a user meets it: mail goes through it, HTTP shows and controls it, wrong lines are explained."""
import smtplib
import subprocess
import unittest

from server_case import BINARY, SECONDS, ServerCase, until

from lab.receiver import Receiver


class SinkCommand(ServerCase):
    def setUp(self):
        super().setUp()
        self.receiver = None

    def _stop_all(self):
        super()._stop_all()
        if self.receiver and self.receiver.process.is_running():
            self.receiver.process.kill()

    def start_receiver(self, personality="plain", **settings):
        self.receiver = Receiver(BINARY, self.folder, personality, settings, smtp_port=self.sink_port)
        return self.receiver

    def deliver(self, source="127.0.0.1"):
        with smtplib.SMTP("127.0.0.1", self.sink_port, source_address=(source, 0), timeout=SECONDS) as client:
            client.sendmail("sender@weir.test", ["someone@example.com"], "Subject: hello\r\n\r\nIt works.\r\n")

    def test_the_server_delivers_through_it(self):
        self.start_receiver()
        self.start_server()
        self.send("someone@example.com")
        until("a delivery", SECONDS, lambda: self.receiver.counts()["messages"] == 1, 0.05)
        attempt = self.receiver.attempts()[-1]
        self.assertEqual((attempt["outcome"], attempt["to"]), ("delivered", "someone@example.com"))

    def test_each_source_has_its_own_account(self):
        self.start_receiver()
        for source in ("127.0.0.1", "127.0.0.7", "127.0.0.7"):
            self.deliver(source)
        self.assertEqual(self.receiver.source("127.0.0.1")["messages"], 1)
        self.assertEqual(self.receiver.source("127.0.0.7")["messages"], 2)
        self.assertIn("127.0.0.7", self.receiver.get("/"))
        self.assertIn("送信元", self.receiver.get("/?lang=ja"))

    def test_a_tripped_source_is_refused_until_released(self):
        self.start_receiver("penalty-box", **{"greylist.share": 0, "recipients.full": 0, "recipients.busy": 0})
        self.assertEqual(self.receiver.control("trip")[0], 200)
        with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
            self.deliver()
        self.assertIn(b"4.7.500", refused.exception.smtp_error)
        account = self.receiver.source()
        self.assertTrue(account["is_penalized"])
        self.assertEqual((account["transient"], account["trips"]), (1, 1))
        self.receiver.control("release")
        self.deliver()
        self.assertFalse(self.receiver.source()["is_penalized"])

    def test_a_blocked_source_meets_a_reset(self):
        self.start_receiver()
        self.assertEqual(self.receiver.control("block", how="reset"), (200, {"action": "block", "source": "127.0.0.1", "by": "network"}))
        with self.assertRaises((ConnectionResetError, smtplib.SMTPServerDisconnected)):
            self.deliver()
        self.deliver("127.0.0.2")
        self.receiver.control("unblock")
        self.deliver()

    def test_orders_that_are_wrong_are_refused_with_a_reason(self):
        self.start_receiver()
        status, problem = self.receiver.control("tripp")
        self.assertEqual(status, 400)
        self.assertIn("trip, release, block or unblock", problem["detail"])
        self.assertEqual(self.receiver.control("trip", source="nobody")[0], 400)
        self.assertEqual(self.receiver.control("block", how="melt")[0], 400)

    def test_starttls_is_offered(self):
        self.start_receiver()
        with smtplib.SMTP("127.0.0.1", self.sink_port, timeout=SECONDS) as client:
            self.assertEqual(client.starttls()[0], 220)
            client.sendmail("sender@weir.test", ["someone@example.com"], "Subject: hello\r\n\r\nIt works.\r\n")
        self.assertEqual(self.receiver.counts()["messages"], 1)

    def test_it_ends_in_good_order(self):
        self.start_receiver()
        self.deliver()
        self.assertEqual(self.receiver.stop(), 0)
        self.assertIn("Messages taken: 1; sources: 1", self.receiver.process.output())

    def command(self, *arguments):
        return subprocess.run([str(BINARY), "sink", *arguments], capture_output=True, text=True, timeout=SECONDS)

    def test_list_help_and_mistakes(self):
        self.assertIn("\ngmail ", self.command("--list").stdout)
        self.assertIn("penalty.share=0.5", self.command("--personality", "microsoft365", "--parameters").stdout)
        self.assertIn("受信サーバー", self.command("--help", "--lang", "ja").stdout)
        for arguments, words in ((("--personality", "gmial"), 'did you mean "gmail"'), (("--sead", "1"), "--seed"), (("--personality", "microsoft365", "--set", "penalty.shar=1"), '"share"')):
            done = self.command(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
