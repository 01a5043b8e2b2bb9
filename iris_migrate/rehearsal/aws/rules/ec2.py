"""EC2: launch tokens, quotas, what is in use, what a state allows, and the console."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from iris_migrate.rehearsal.aws.answers import EC2_NAMESPACE, Answer, ec2_result, failure
from iris_migrate.rehearsal.aws.instances import console_output
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Practice, RuleBook

ADDRESS_QUOTA = (
    5  # per region, adjustable: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html
)
ROOT_SNAPSHOT_GB = 8
_TAG = f"{{{EC2_NAMESPACE}}}"
_BURSTABLE = re.compile(r"t[0-9]")


@dataclass(slots=True)
class Ec2Rules:
    """One world's rules and what they remember."""

    practice: Practice
    _tokens: dict[tuple[str, str], tuple[str, Answer, list[str]]] = field(default_factory=dict)
    _launching: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, book: RuleBook) -> None:
        book.ahead("ec2:RunInstances", self.launch_token)
        book.ahead("ec2:RunInstances", self.launch_parameters)
        book.behind("ec2:RunInstances", self.launched)
        book.ahead("ec2:DescribeInstances", self.by_client_token)
        book.behind("ec2:StartInstances", self.started)
        book.behind("ec2:StopInstances", self.stopped)
        book.behind("ec2:TerminateInstances", self.terminated)
        book.ahead("ec2:StartInstances", self.start_needs_stopped)
        book.ahead("ec2:RebootInstances", self.reboot)
        book.ahead("ec2:ModifyInstanceAttribute", self.type_needs_stopped)
        book.ahead("ec2:AllocateAddress", self.address_quota)
        book.ahead("ec2:AssociateAddress", self.address_needs_instance)
        book.ahead("ec2:DeleteSecurityGroup", self.group_in_use)
        book.ahead("ec2:GetConsoleOutput", self.console)
        book.ahead("ec2:DescribeInstanceCreditSpecifications", self.credits)
        book.ahead("ec2:ModifyInstanceCreditSpecification", self.change_credits)

    # --- launching -----------------------------------------------------------------------------------------------

    def launch_token(self, request: AwsRequest) -> Answer | None:
        """The same token with the same parameters gives the same instance; with others it is refused."""
        token = request.params.get("ClientToken")
        if not token or request.dry_run:
            return None
        known = self._tokens.get((request.region, str(token)))
        if known is None:
            return None
        fingerprint, answer, _ = known
        if fingerprint == request.fingerprint("ClientToken", "DryRun"):
            return answer
        return failure(
            request,
            "IdempotentParameterMismatch",
            "The client token you have provided is associated with a resource you have already created, and the "
            "parameters used in this request differ from the parameters used to create that resource.",
        )

    def launch_parameters(self, request: AwsRequest) -> Answer | None:
        """A root volume smaller than the image's snapshot is refused."""
        for mapping in request.params.get("BlockDeviceMappings") or ():
            size = (mapping.get("Ebs") or {}).get("VolumeSize")
            if size is not None and int(size) < ROOT_SNAPSHOT_GB:
                return failure(
                    request,
                    "InvalidBlockDeviceMapping",
                    f"Volume of size {size}GB is smaller than snapshot, expect size >= {ROOT_SNAPSHOT_GB}GB",
                )
        return None

    def launched(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        params = request.params
        backend = self.practice.state(request)
        ids = _texts(answer, "instanceId")
        for instance_id in ids:
            instance = backend.get_instance(instance_id)
            # moto takes this parameter only through ModifyInstanceAttribute.
            instance.disable_api_termination = bool(params.get("DisableApiTermination"))
            unlimited = "unlimited" if _BURSTABLE.match(instance.instance_type) else ""
            credit = (params.get("CreditSpecification") or {}).get("CpuCredits") or unlimited
            self.practice.instances.launched(instance, self._keys_of(backend, instance), credit)
        if token := params.get("ClientToken"):
            fingerprint = request.fingerprint("ClientToken", "DryRun")
            self._tokens[(request.region, str(token))] = (fingerprint, answer, ids)
        return answer

    @staticmethod
    def _keys_of(backend: Any, instance: Any) -> Any:
        """The instance keeps the public key with which it was launched, whatever becomes of the key pair."""
        pair = backend.key_pairs.get(instance.key_name)
        keys = [pair.public_key.strip()] if pair is not None else []
        return lambda: list(keys)

    def by_client_token(self, request: AwsRequest) -> AwsRequest | None:
        """The filter `client-token`, which moto lacks, asked as a filter by instance id."""
        filters = request.params.get("Filters") or ()
        number = next((at for at, item in enumerate(filters, 1) if item.get("Name") == "client-token"), None)
        if number is None:
            return None
        tokens = filters[number - 1].get("Values") or ()
        ids = [
            found
            for token in tokens
            for found in self._tokens.get((request.region, str(token)), ("", None, ["i-0"]))[2]
        ]
        pairs = [
            (name, value)
            for name, value in parse_qsl(request.body.decode(), keep_blank_values=True)
            if not name.startswith(f"Filter.{number}.")
        ]
        pairs.append((f"Filter.{number}.Name", "instance-id"))
        pairs += [(f"Filter.{number}.Value.{at}", value) for at, value in enumerate(ids, 1)]
        return replace(request, body=urlencode(pairs).encode())

    # --- states --------------------------------------------------------------------------------------------------

    def started(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status == 200 and not request.dry_run:
            for instance_id in _ids(request):
                self._keep_elastic(request, instance_id)
                self.practice.instances.starting(instance_id)
        return _states(answer, "16", "0", "pending")

    def stopped(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status == 200 and not request.dry_run:
            for instance_id in _ids(request):
                self._keep_elastic(request, instance_id)
                self.practice.instances.stopping(instance_id)
        return _states(answer, "80", "64", "stopping")

    def terminated(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status == 200 and not request.dry_run:
            for instance_id in _ids(request):
                self.practice.instances.terminating(instance_id)
        return answer

    def _keep_elastic(self, request: AwsRequest, instance_id: str) -> None:
        """An Elastic IP stays with a stopped instance; moto drops it from the interface."""
        backend = self.practice.state(request)
        for address in backend.addresses:
            if address.instance_id == instance_id and address.eni is not None:
                address.eni.public_ip = address.public_ip

    def start_needs_stopped(self, request: AwsRequest) -> Answer | None:
        return self._refuse_states(request, _ids(request), ("stopping", "shutting-down", "terminated"), "started")

    def reboot(self, request: AwsRequest) -> Answer | None:
        refused = self._refuse_states(
            request, _ids(request), ("pending", "stopping", "stopped", "shutting-down", "terminated"), "rebooted"
        )
        if refused is None and not request.dry_run:
            for instance_id in _ids(request):
                self.practice.instances.rebooting(instance_id)
        return refused

    def _refuse_states(
        self, request: AwsRequest, ids: Iterable[str], states: tuple[str, ...], what: str
    ) -> Answer | None:
        for instance_id in ids:
            life = self.practice.instances.lives.get(instance_id)
            if life is not None and life.instance.state in states:
                message = f"The instance '{instance_id}' is not in a state from which it can be {what}."
                return failure(request, "IncorrectInstanceState", message)
        return None

    def type_needs_stopped(self, request: AwsRequest) -> Answer | None:
        """The type of an instance can be changed only while it is stopped."""
        params = request.params
        if "InstanceType" not in params and params.get("Attribute") != "instanceType":
            return None
        life = self.practice.instances.lives.get(str(params.get("InstanceId")))
        if life is None or life.instance.state == "stopped":
            return None
        message = f"The instance '{params.get('InstanceId')}' is not in the 'stopped' state."
        return failure(request, "IncorrectInstanceState", message)

    # --- addresses and groups ------------------------------------------------------------------------------------

    def address_quota(self, request: AwsRequest) -> Answer | None:
        backend = self.practice.state(request)
        if request.dry_run or len(backend.addresses) < ADDRESS_QUOTA:
            return None
        message = "The maximum number of addresses has been reached."
        return failure(request, "AddressLimitExceeded", message)

    def address_needs_instance(self, request: AwsRequest) -> Answer | None:
        life = self.practice.instances.lives.get(str(request.params.get("InstanceId")))
        if life is None or life.instance.state in ("running", "stopped", "stopping"):
            return None
        message = (
            f"The {life.instance.state}-instance-creation instance to which 'eni-{life.instance.id[2:]}' is attached "
            "is not in a valid state for this operation"
        )
        return failure(request, "IncorrectInstanceState", message)

    def group_in_use(self, request: AwsRequest) -> Answer | None:
        backend = self.practice.state(request)
        wanted = (request.params.get("GroupId"), request.params.get("GroupName"))
        users = [
            instance.id
            for instance in backend.all_instances()
            if instance.state != "terminated"
            for group in instance.security_groups
            if group.id == wanted[0] or (wanted[1] and group.name == wanted[1])
        ]
        if not users or request.dry_run:
            return None
        message = f"resource {wanted[0] or wanted[1]} has a dependent object"
        return failure(request, "DependencyViolation", message)

    # --- console and credits -------------------------------------------------------------------------------------

    def console(self, request: AwsRequest) -> Answer | None:
        """The console of an instance of this world; of any other, moto's error."""
        instance_id = str(request.params.get("InstanceId"))
        life = self.practice.instances.lives.get(instance_id)
        if life is None or request.dry_run:
            return None
        output = base64.b64encode(console_output(life).encode()).decode()
        return ec2_result(request, f"<instanceId>{escape(instance_id)}</instanceId><output>{output}</output>")

    def credits(self, request: AwsRequest) -> Answer | None:
        lives = self.practice.instances.lives
        asked = request.params.get("InstanceIds") or list(lives)
        if any(instance_id not in lives for instance_id in asked):
            return None
        items = "".join(
            f"<item><instanceId>{escape(instance_id)}</instanceId>"
            f"<cpuCredits>{escape(lives[instance_id].credits)}</cpuCredits></item>"
            for instance_id in asked
            if lives[instance_id].credits and lives[instance_id].instance.state != "terminated"
        )
        return ec2_result(request, f"<instanceCreditSpecificationSet>{items}</instanceCreditSpecificationSet>")

    def change_credits(self, request: AwsRequest) -> Answer | None:
        if request.dry_run:
            return failure(request, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        good, bad = [], []
        for item in request.params.get("InstanceCreditSpecifications") or ():
            instance_id = str(item.get("InstanceId"))
            life = self.practice.instances.lives.get(instance_id)
            if life is None:
                bad.append(
                    f"<item><instanceId>{escape(instance_id)}</instanceId><error>"
                    f"<code>InvalidInstanceID.NotFound</code><message>not found</message></error></item>"
                )
                continue
            life.credits = str(item.get("CpuCredits"))
            good.append(f"<item><instanceId>{escape(instance_id)}</instanceId></item>")
        sets = (("successful", good), ("unsuccessful", bad))
        return ec2_result(
            request,
            "".join(
                f"<{name}InstanceCreditSpecificationSet>{''.join(items)}</{name}InstanceCreditSpecificationSet>"
                for name, items in sets
            ),
        )


def _ids(request: AwsRequest) -> list[str]:
    return [str(item) for item in request.params.get("InstanceIds") or ()]


def _texts(answer: Answer, tag: str) -> list[str]:
    root = ElementTree.fromstring(answer.body)  # noqa: S314 - moto's own answer
    return [element.text or "" for element in root.iter(f"{_TAG}{tag}")]


def _states(answer: Answer, code: str, new_code: str, new_name: str) -> Answer:
    """The current state in a Start or Stop answer: AWS says that it has begun, moto that it is over."""
    if answer.status != 200:
        return answer
    root = ElementTree.fromstring(answer.body)  # noqa: S314 - moto's own answer
    for state in root.iter(f"{_TAG}currentState"):
        number, name = state.find(f"{_TAG}code"), state.find(f"{_TAG}name")
        if number is not None and name is not None and number.text == code:
            number.text, name.text = new_code, new_name
    ElementTree.register_namespace("", EC2_NAMESPACE)
    return replace(answer, body=ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
