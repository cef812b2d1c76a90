"""What administrators do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sigreq_client.caller import Caller, R_co


class AdministratorOperations(Caller[R_co]):
    """Customers, people, products, and the service contract as data."""

    def organisations(self) -> R_co:
        """All customers."""
        return self._get("admin", "organisations")

    def add_organisation(self, organisation_id: str, name: str, plan: str) -> R_co:
        """A new customer under a short name."""
        return self._post("admin", "organisations", id=organisation_id, name=name, plan=plan)

    def people(self) -> R_co:
        """Everybody who has or had a key."""
        return self._get("admin", "people")

    def add_person(
        self,
        name: str,
        role: str,
        organisation: str | None = None,
        *,
        email: str | None = None,
        language: str | None = None,
        group: str | None = None,
    ) -> R_co:
        """A new person. The answer is the only one that holds their API key."""
        more = {"organisation": organisation, "email": email, "language": language, "group": group}
        return self._post("admin", "people", revision=None, name=name, role=role, **more)

    def add_key(self, person_id: str) -> R_co:
        """One more API key for a person; it is shown only in this answer."""
        return self._post("admin", "people", person_id, "keys")

    def revoke_keys(self, person_id: str) -> R_co:
        """Make every API key of a person useless; their password for the pages stays."""
        return self._delete("admin", "people", person_id, "keys")

    def end_access(self, person_id: str) -> R_co:
        """End the API keys, password, sessions and password links of a person."""
        return self._delete("admin", "people", person_id, "access")

    def add_password_link(self, person_id: str, login: str | None = None) -> R_co:
        """A link by which a person sets the password for the pages, once; it is shown only in this answer."""
        return self._post("admin", "people", person_id, "password-link", revision=None, login=login)

    def products(self) -> R_co:
        """All products."""
        return self._get("admin", "products")

    def add_product(self, product: Mapping[str, Any]) -> R_co:
        """A new product: {id, title, scheme, grace_seconds, update_instructions, targets}."""
        return self._post("admin", "products", **product)

    def set_schedule(self, product: str, days: Sequence[str], times: Sequence[str], time_zone: str) -> R_co:
        """When the product's trains depart: days `mon` to `sun`, times such as 06:00, and their IANA zone."""
        body = {"days": list(days), "times": list(times), "time_zone": time_zone}
        return self._put("admin", "products", product, "schedule", body=body)

    def remove_schedule(self, product: str) -> R_co:
        """Have no trains: everything goes out as soon as it is approved."""
        return self._delete("admin", "products", product, "schedule")

    def set_targets(self, product: str, targets: Sequence[str]) -> R_co:
        """Say which engines load a product's signatures: yara, clamav."""
        return self._put("admin", "products", product, "targets", body={"targets": list(targets)})

    def withdraw_release(self, product: str, version: str) -> R_co:
        """Take a published version back: it is not the latest any more, and claims on it are refused."""
        return self._post("admin", "releases", product, version, "withdraw")

    # --- the service contract ----------------------------------------------------------------------------------

    def contracts(self, organisation: str) -> R_co:
        """An organisation's contracts, oldest first."""
        return self._get("admin", "contracts", organisation=organisation)

    def add_contract(self, organisation: str, plan: str, starts_at: datetime, ends_at: datetime | None = None) -> R_co:
        """A new contract; without an end it goes on until one is set."""
        when = {"starts_at": starts_at.isoformat(), "ends_at": ends_at and ends_at.isoformat()}
        return self._post("admin", "contracts", revision=None, organisation=organisation, plan=plan, **when)

    def end_contract(self, contract_id: str, ends_at: datetime) -> R_co:
        """Let a contract end; what submissions were promised stays promised."""
        return self._post("admin", "contracts", contract_id, "end", ends_at=ends_at.isoformat())

    def plans(self) -> R_co:
        """All plans."""
        return self._get("admin", "plans")

    def set_plan(self, plan_id: str, plan: Mapping[str, Any]) -> R_co:
        """Add or replace a plan: {title, track, goals, premium_incidents?, costs_premium?, needs_phone?, ...}.

        `goals` has for each severity, "1" to "4", {minutes, calendar, is_guaranteed}. Premium incidents count a
        contract year; None is unlimited.
        """
        return self._put("admin", "plans", plan_id, body=plan)

    def calendar(self, calendar_id: str) -> R_co:
        """The calendar as it is in force."""
        return self._get("admin", "calendars", calendar_id)

    def set_calendar(self, calendar_id: str, calendar: Mapping[str, Any]) -> R_co:
        """Add or replace a calendar: {time_zone, hours, region?, years?, holidays?, exceptions?}.

        Open submissions that count in it are counted anew; `submissions_moved` says how many.
        """
        return self._put("admin", "calendars", calendar_id, body=calendar)

    def groups(self) -> R_co:
        """The analyst groups with their members."""
        return self._get("admin", "groups")

    def set_group(
        self, group_id: str, title: str, on_call_email: str | None = None, on_call_url: str | None = None
    ) -> R_co:
        """Add or replace a group. With an address for its on-call the answer has the new secret that signs."""
        body = {"title": title, "on_call_email": on_call_email, "on_call_url": on_call_url}
        return self._put("admin", "groups", group_id, body=body)

    def join_group(self, group_id: str, person_id: str) -> R_co:
        """Have a person work on a group's cases."""
        return self._put("admin", "groups", group_id, "members", person_id)

    def leave_group(self, group_id: str, person_id: str) -> R_co:
        """Have a person work on a group's cases no more; what they hold they keep."""
        return self._delete("admin", "groups", group_id, "members", person_id)
