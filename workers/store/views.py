"""The SQL views that figures are read from, in the words of both databases.

They are dropped before migrations run and made again after them (see `workers.store.schema`): SQLite refuses to
rebuild a table that a view reads, PostgreSQL to change its columns. A changed view needs a migration, even an
empty one, so that stores at the head come by here.

`complaint_facts`: one row per complaint. Nothing personal; owners by username. `on_time`: the result deadline (the
extended one, where it was extended) was met in time 1, missed 0, neither yet null. `days_since_same`: since the
same customer had the same problem last (rule A11), null when never. `handled_hours`: from receipt to the result,
or to the end where no result was due. `incident`: the event that the complaint belongs to (rule E6).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from workers.cases.region import SUFFIXES

NAMES: Final = ("complaint_facts",)

_FACTS: Final = """
create view complaint_facts as
select
  c.number, c.policy, c.channel, c.category, c.product, c.tier, c.status, c.priority,
  {province} as province, {city} as city, {branch} as branch,
  c.owner_group, c.owner_person as owner, c.cause_code, c.finding, c.satisfaction,
  c.received_at, c.closed_at, {month} as month, {week} as week, {day} as day,
  d.due_at,
  case when d.extended_from is not null then 1 else 0 end as extended,
  case when d.met_at is not null then case when d.met_at <= d.due_at then 1 else 0 end
       when d.missed_at is not null then 0 end as on_time,
  case c.outcome when 'solved' then 1 when 'unsolved' then 0 end as is_solved,
  case when c.status = 'withdrawn' then 1 else 0 end as withdrawn,
  (select count(*) from timeline t where t.number = c.number and t.code = 'reopened') as reopened,
  {days_since_same} as days_since_same,
  case when c.status <> 'withdrawn' then {hours} end as handled_hours,
  a.incident as incident
from complaints c
left join incident_complaints a on a.complaint = c.number and a.detached_at is null
left join deadlines d on d.number = c.number and d.kind = 'result'
"""

_EARLIER: Final = """
    (select max(e.received_at) from complaints e
     where e.customer_key = c.customer_key and e.number <> c.number and e.status <> 'withdrawn'
       and (e.received_at < c.received_at or (e.received_at = c.received_at and e.number < c.number))
       and (e.category = c.category or e.text = c.text)
       and (e.text = c.text or e.product is null or c.product is null or e.product = c.product)
       and e.anonymised_at is null and c.anonymised_at is null)"""

_DIALECT: Final = {
    "sqlite": {
        "month": "strftime('%Y-%m', c.received_at, '+8 hours')",
        "week": "date(c.received_at, '+8 hours', 'weekday 0', '-6 days')",
        "day": "date(c.received_at, '+8 hours')",
        "hours": "(julianday(coalesce(d.met_at, c.closed_at)) - julianday(c.received_at)) * 24.0",
        "days_since_same": f"julianday(c.received_at) - julianday({_EARLIER})",
    },
    "postgresql": {
        "month": "to_char(c.received_at at time zone 'Asia/Shanghai', 'YYYY-MM')",
        "week": "to_char(date_trunc('week', c.received_at at time zone 'Asia/Shanghai'), 'YYYY-MM-DD')",
        "day": "to_char(c.received_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD')",
        "hours": "cast(extract(epoch from coalesce(d.met_at, c.closed_at) - c.received_at)"
        " as double precision) / 3600.0",
        "days_since_same": f"cast(extract(epoch from c.received_at - {_EARLIER}) as double precision) / 86400.0",
    },
}
"""Asia/Shanghai has been UTC+8 without summer time since 1991; weeks begin on Monday."""


def statements(dialect: str) -> list[str]:
    """The `create view` statements for `sqlite` or `postgresql`."""
    places = {level: _bare(f"c.{level}") for level in ("province", "city", "branch")}
    return [_FACTS.format(**_DIALECT[dialect], **places)]


def drop(connection: Connection) -> None:
    """Removes the views; does nothing where there are none."""
    for name in NAMES:
        connection.exec_driver_sql(f"drop view if exists {name}")


def create(connection: Connection) -> None:
    """Makes the views, which must not be there."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _bare(column: str) -> str:
    """杭州市 and 杭州 are counted together, as `workers.cases.region` takes them."""
    cases = "".join(
        f" when length({column}) >= {len(suffix) + 2}"
        f" and substr({column}, length({column}) - {len(suffix) - 1}) = '{suffix}'"
        f" then substr({column}, 1, length({column}) - {len(suffix)})"
        for suffix in SUFFIXES
    )
    return f"case{cases} else {column} end"
