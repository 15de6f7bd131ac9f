# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded Firefly holds at the start."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

Data = defaultdict[str, list[Any]]
"""Lists by their path below /v2, without `search` and `list`: `workspaces`, `workspaces/<workspaceId>/runs`."""

_RUN_STATUSES = (
    *('init_error', 'planning', 'plan_success', 'plan_error', 'plan_no_changes', 'applying'),
    *('apply_error', 'apply_success', 'apply_no_changes', 'blocked', 'Acknowledged'),
)
_TIME = '2026-01-01T12:00:00Z'


def make_workspaces(count: int) -> list[dict[str, Any]]:
    """Make `count` workspaces, `workspace-1` and so on. Their last runs have all statuses in turn."""
    return [
        {
            'id': f'id-{number}',
            'workspaceId': f'workspace-{number}',
            'workspaceName': f'name-{number}',
            'repo': f'example/repository-{number}',
            'vcsType': 'github',
            'runnerType': 'firefly',
            'lastRunStatus': _RUN_STATUSES[number % len(_RUN_STATUSES)],
            'lastRunTime': _TIME,
            'lastPlanTime': _TIME,
            'lastApplyTime': _TIME,
            'iacType': 'terraform',
            'labels': [f'label-{number % 2}'],
            'runsCount': len(_RUN_STATUSES),
            'isWorkflowManaged': True,
            'guardrails': [],
        }
        for number in range(1, count + 1)
    ]


def make_data() -> Data:
    """Make workspaces for two pages, with their runs, newest first, and a few of everything else."""
    data = Data(list)
    data['workspaces'] = make_workspaces(30)
    for number, workspace in enumerate(data['workspaces'], 1):
        data[f'workspaces/{workspace["workspaceId"]}/runs'] = [
            {'id': f'run-{number}-{age}', 'status': _RUN_STATUSES[(number + age) % len(_RUN_STATUSES)]}
            for age in range(len(_RUN_STATUSES))
        ]
    data['governance/insights'] = [
        {
            '_id': f'policy-{number}',
            'name': f'Policy {number}',
            'description': 'What it asks for.',
            'type': ['aws_s3_bucket'],
            'labels': ['example'] if number % 2 else 'example',
            'severity': number,
            'category': 'Misconfiguration',
            'frameworks': ['SOC2'],
        }
        for number in range(1, 4)
    ]
    for path in ('guardrails', 'runners/projects', 'runners/variables/variable-sets'):
        name = path.rpartition('/')[2].removesuffix('s')
        data[path] = [{'id': f'{name}-{number}', 'name': f'{name} {number}'} for number in range(1, 4)]
    data['event-center'] = [{'id': f'event-{number}'} for number in range(1, 4)]
    data['api/inventory'] = [{'assetId': f'asset-{number}'} for number in range(1, 31)]
    return data
