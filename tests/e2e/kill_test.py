"""The short form of `script/prove kill`: what was acknowledged survives kill -9, and little is sent twice."""
import random
import unittest

from server_case import BINARY, SECONDS, ServerCase, until

from lab.books import acknowledged
from lab.killing import DUPLICATES_SPARE, campaign, duplicates_by_kill, in_flight_at
from lab.subject import make_subject

KILLS = 5


class Kill(ServerCase):
    def test_kill_9_at_random_points_under_load_loses_nothing(self):
        moments = random.Random(20)

        def some_load(source):
            before = len(acknowledged(source.ledger))
            wanted = before + moments.randrange(100, 1500)
            until("load", SECONDS, lambda: len(acknowledged(source.ledger)) >= wanted)

        subject_of = lambda folder, port: make_subject("ours", str(BINARY), folder, port)  # noqa: E731
        wanted, arrived, kill_times, _ = campaign(self.folder / "kill", subject_of, KILLS, 2000, some_load)
        self.assertEqual(len(kill_times), KILLS)
        self.assertGreater(len(wanted), 100 * KILLS)
        self.assertEqual(wanted.keys() - arrived.keys(), set(), "acknowledged and lost")
        self.assertEqual({arrival.verdict for times in arrived.values() for arrival in times}, {"ok"})
        duplicates = duplicates_by_kill(arrived, kill_times)
        self.assertEqual(duplicates[0], 0)
        for found, in_flight in zip(duplicates[1:], in_flight_at(arrived, kill_times)):
            self.assertLessEqual(found, in_flight + DUPLICATES_SPARE)


if __name__ == "__main__":
    unittest.main()
