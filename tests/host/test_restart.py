"""What the move is for: the cache outlives the service and the host."""

from __future__ import annotations

from tests.host.site import SERVICE, Site


def test_a_cached_answer_outlives_restart_and_reboot(site: Site) -> None:
    status, answer = site.analyse("before_the_reboot")
    assert (status, answer["metadata"]["cache_hit"]) == (200, 0)
    calls = site.control("model")["calls"]

    before = site.unit("InvocationID")
    site.said(f"systemctl restart {SERVICE}")
    site.until(site.healthy, "the service is healthy after its restart")
    assert site.unit("InvocationID") != before
    assert site.analyse("before_the_reboot")[1]["metadata"]["cache_hit"] == 1

    boot = site.said("cat /proc/sys/kernel/random/boot_id")
    site.aws("ec2").reboot_instances(InstanceIds=[site.instance])
    site.until(lambda: site.said("cat /proc/sys/kernel/random/boot_id") != boot, "the host has rebooted")
    site.until(site.healthy, "the service is healthy after the reboot, without anybody")
    assert site.analyse("before_the_reboot")[1]["metadata"]["cache_hit"] == 1
    assert site.control("model")["calls"] == calls


def test_stopped_and_started_it_is_the_same_host(site: Site) -> None:
    ec2 = site.aws("ec2")
    key = site.said("cat /etc/ssh/ssh_host_ed25519_key.pub")
    ec2.stop_instances(InstanceIds=[site.instance])
    site.until(lambda: site.control("instances")[site.instance]["state"] == "stopped", "the instance is stopped")
    site.until(lambda: not _answers(site), "nothing answers")
    ec2.start_instances(InstanceIds=[site.instance])
    site.until(site.healthy, "the service is healthy after stop and start")
    assert site.said("cat /etc/ssh/ssh_host_ed25519_key.pub") == key
    done = site.migrate()
    assert done.status == 0, done.why()


def _answers(site: Site) -> bool:
    try:
        return site.healthy()
    except OSError:
        return False
