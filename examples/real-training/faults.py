"""What is done to a real training job, fault by fault; each lasts as long as it is told to."""

import os
import random
import signal
import time

# Parts of the time that a stopped and continued process gets: a straggler, a storage.
STRAGGLER, STORAGE = 0.25, 0.01
# Steps that the job usually does while loaders are stopped, and seconds for which they then run: time for what they
# read ahead, two batches.
LOADER_STEPS, LOADER_RUNS = 8, 0.1
# Factor of the learning rate that is too high, and of the sequences of one rank (at most 4).
TOO_HIGH, LONGER = 30.0, 3
# Share of steps in which the broken rank's activations are harmed.
SPOILT = 0.3
# Objects that each rank holds, and steps from one collection of them to the next.
OBJECTS, COLLECT_EVERY = 2_000_000, 20
# Seconds between checkpoints that are too frequent.
FREQUENT = 0.5
# Part of what the job takes that a quota leaves it.
CPU_PART = 0.5
# Part of the time for which the text is garbage.
GARBAGE_PART = 0.4


def hold(run):
    time.sleep(run.seconds)


def nothing(run):
    """Goes on as before."""
    hold(run)


def duty(run, find, period, part):
    """Processes that run for a part of each period, and are stopped for the rest."""
    end = time.monotonic() + run.seconds
    while time.monotonic() < end:
        found = find()
        send(found, signal.SIGSTOP)
        time.sleep(period * (1 - part))
        send(found, signal.SIGCONT)
        time.sleep(period * part)


def send(processes, what):
    for process in processes:
        try:
            os.kill(process, what)
        except ProcessLookupError:
            pass


def rank_stopped(run):
    """One rank is stopped (SIGSTOP), as one that waits for a lock for ever."""
    send([run.job.process_of(run.rank)], signal.SIGSTOP)
    hold(run)


def straggler(run):
    """One rank gets a quarter of its time."""
    duty(run, lambda: [run.job.process_of(run.rank)], 0.1, STRAGGLER)


def loader_starved(run):
    """The processes that read data are stopped most of the time, as by storage that does not answer."""
    period = LOADER_STEPS * run.usual_step
    duty(run, run.job.loaders, period, LOADER_RUNS / period)


def gc_pauses(run):
    """A new version of some code keeps millions of small objects; each rank collects at other steps."""
    run.job.tell(objects=OBJECTS, collect_every=COLLECT_EVERY)
    hold(run)


def nan(run):
    """In one rank, numbers become infinite as by a failing unit."""
    run.job.tell(spoilt_rank=run.rank, spoilt_share=SPOILT)
    hold(run)


def bad_batches(run):
    """The file of tokens holds garbage for a while."""
    path = f"{run.job.folder}/tokens"
    with open(path, "rb") as file:
        kept = file.read()
    overwrite(path, random.Random(run.name).randbytes(len(kept)))
    time.sleep(run.seconds * GARBAGE_PART)
    overwrite(path, kept)
    time.sleep(run.seconds * (1 - GARBAGE_PART))


def overwrite(path, data):
    """In the same file, as readers have it open."""
    with open(path, "r+b") as file:
        file.write(data)


def learning_rate(run):
    """Someone raises the learning rate far too much."""
    run.job.tell(rate_factor=TOO_HIGH)
    hold(run)


def rank_killed(run):
    """One rank is killed (SIGKILL); the launcher starts all from the last checkpoint."""
    send([run.job.process_of(run.rank)], signal.SIGKILL)
    hold(run)


def killed_again(run):
    """The same, as soon as steps are done again, until the end."""
    end = time.monotonic() + run.seconds
    while time.monotonic() < end:
        killed = time.time()
        send([run.job.process_of(run.rank)], signal.SIGKILL)
        while time.monotonic() < end and run.job.heartbeat() < killed + 5:
            time.sleep(0.5)
        time.sleep(max(0.0, min(5.0, end - time.monotonic())))


def planned_restart(run):
    """Someone has it saved and started again."""
    run.job.process.send_signal(signal.SIGHUP)
    hold(run)


def resume_replays(run):
    """A planned restart, after which the reader begins with the first sample."""
    open(f"{run.job.folder}/replay", "w").close()
    planned_restart(run)


def slow_storage(run):
    """The storage of checkpoints gets a hundredth of its time."""
    duty(run, lambda: [run.job.storage()], 1.0, STORAGE)


def frequent_checkpoints(run):
    """Someone has it saved twice a second."""
    run.job.tell(save_interval=FREQUENT)
    hold(run)


def imbalance(run):
    """Someone changes how texts are dealt out: one rank gets sequences three times as long."""
    run.job.tell(parts={str(run.rank): LONGER})
    hold(run)


def schedule_end(run):
    """The learning rate comes to the end of its schedule, as planned."""
    run.job.tell(decay_from=run.job.step() + 4)
    hold(run)


def cpu_quota(run):
    """The container's quota leaves it half of the processor time that it takes."""
    if not run.job.group.is_there:
        raise SystemExit("cpu-quota needs the right to make a control group: run it as root, or leave it out")
    run.job.group.limit(max(0.02, CPU_PART * run.usual_cpus))
    hold(run)
    run.job.group.limit(os.cpu_count())


# Name: what is done; the kind of change that people know of, if it is one; at what kind of target it is.
FAULTS = {
    "straggler": (straggler, None, "rank"),
    "rank-stopped": (rank_stopped, None, "rank"),
    "loader-starved": (loader_starved, None, "job"),
    "nan": (nan, None, "rank"),
    "nothing": (nothing, None, "job"),
    "imbalance": (imbalance, "config", "job"),
    "rank-killed": (rank_killed, None, "rank"),
    "learning-rate": (learning_rate, "config", "job"),
    "slow-storage": (slow_storage, None, "storage"),
    "planned-restart": (planned_restart, "restart", "job"),
    "gc-pauses": (gc_pauses, "deploy", "job"),
    "bad-batches": (bad_batches, None, "job"),
    "frequent-checkpoints": (frequent_checkpoints, "config", "job"),
    "resume-replays": (resume_replays, "restart", "job"),
    "schedule-end": (schedule_end, None, "job"),
    "cpu-quota": (cpu_quota, None, "host"),
    "killed-again": (killed_again, None, "host"),
}
