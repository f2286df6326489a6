"""Whether a binary's scenarios know the controller, and how a scenario turns it on."""
import subprocess

ON = "\n[pacing]\nlearns = true\n"


def knows_pacing(binary, folder):
    """Whether `mailweir simulate` takes a table [pacing]; older ones do not."""
    probe = folder / "probe.toml"
    probe.write_text('length = "1s"\n[[source]]\nname = "a"\n[[class]]\nname = "c"\n[[provider]]\nname = "p"\n'
                     '[[workload]]\nname = "w"\nkind = "rate"\nrate = "1/s"\n' + ON)
    return subprocess.run([binary, "simulate", str(probe)], capture_output=True).returncode in (0, 1)
