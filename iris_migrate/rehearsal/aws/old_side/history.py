"""What the old side left behind before the world began: log groups and two weeks of metrics with silences."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from iris_migrate.rehearsal.aws.old_side.gateways import APP

DAYS = 14


def log_groups(logs: Any, api_id: str, client_key: str, now: datetime) -> None:
    """The authorizer's holds a client's key, as such logs do."""
    said = {
        f"/aws/lambda/{APP}-backend": "INFO cache miss, asking the model",
        f"/aws/lambda/{APP}-authorizer": f"key {client_key}",
        f"/aws/apigateway/{APP}-api": f'{{"apiId":"{api_id}","status":"200"}}',
    }
    for group, message in said.items():
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="practice")
        events = [
            {"timestamp": int((now - timedelta(hours=hours)).timestamp() * 1000), "message": message}
            for hours in (30, 20, 3)
        ]
        logs.put_log_events(logGroupName=group, logStreamName="practice", logEvents=events)


def metrics(cloudwatch: Any, dimension: tuple[str, str], now: datetime) -> None:
    """An hourly point for each hour with calls: none at night and at weekends, so silences occur."""
    hours = [now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=at) for at in range(DAYS * 24)]
    points = [(hour, _calls(hour)) for hour in hours if _calls(hour)]
    for namespace, name, (label, value) in (
        ("AWS/Lambda", "Invocations", ("FunctionName", f"{APP}-backend")),
        ("AWS/ApiGateway", "Count", dimension),
    ):
        data = [
            {
                "MetricName": name,
                "Dimensions": [{"Name": label, "Value": value}],
                "Timestamp": hour,
                "Value": calls,
                "Unit": "Count",
            }
            for hour, calls in points
        ]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def _calls(hour: datetime) -> float:
    if hour.weekday() >= 5 or not 7 <= hour.hour <= 18:
        return 0.0
    return float(round(6 + 5 * math.sin((hour.hour - 7) / 11 * math.pi)))
