"""The first tables, with the founding plans and what the application's role may do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CHANGING = (
    "submission",
    "change",
    "job",
    "idempotency",
    "sample",
    "webhook_endpoint",
    "api_key",
    "release",
    "plan",
    "calendar",
    "contract",
    "analyst_group",
    "phone_request",
)


def upgrade() -> None:
    op.create_table(
        "analyst_group",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("on_call_email", sa.Text(), nullable=True),
        sa.Column("on_call_url", sa.Text(), nullable=True),
        sa.Column("on_call_secret", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyst_group")),
    )
    op.create_table(
        "calendar",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "queue", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hinted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["queue", "due_at"], unique=False, postgresql_where=sa.text("done_at IS NULL"))
    op.create_table(
        "organisation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("name", name=op.f("uq_organisation_name")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "scheme",
            sa.Enum(
                "clamav",
                "dotted",
                "eset",
                "date_revision",
                "integer",
                "timestamp",
                name="scheme",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("update_instructions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_table(
        "calendar_revision",
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("holidays", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra_workdays", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("exceptions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_calendar_revision_calendar_id")),
        sa.PrimaryKeyConstraint("calendar_id", "revision", name=op.f("pk_calendar_revision")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "customer",
                "analyst",
                "lead",
                "auditor",
                "release",
                "administrator",
                name="role",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Enum("en", "ru", name="language", native_enum=False, length=32), nullable=False),
        sa.CheckConstraint(
            "(role = 'customer') = (organisation_id IS NOT NULL)", name=op.f("ck_person_customer_has_organisation")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_person_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "track", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column("goals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("premium_incidents", sa.Integer(), nullable=True),
        sa.Column("costs_premium", sa.Boolean(), nullable=False),
        sa.Column("needs_phone", sa.Boolean(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["analyst_group.id"], name=op.f("fk_plan_group_id")),
        sa.ForeignKeyConstraint(["office"], ["calendar.id"], name=op.f("fk_plan_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_table(
        "sample",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sha1", sa.Text(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_sample_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "sha256", name=op.f("pk_sample")),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_webhook_endpoint_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_table(
        "api_key",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_key_person_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_key")),
    )
    op.create_index(op.f("ix_api_key_person_id"), "api_key", ["person_id"], unique=False)
    op.create_table(
        "change",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("rule_add", "rule_modify", "hash_allow", name="changekind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "track", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "drafted",
                "testing",
                "tested",
                "gate_failed",
                "approved",
                "picked_up",
                "published",
                "withdrawn",
                name="changestate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tested_against", sa.Text(), nullable=True),
        sa.Column("report", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("published_in", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_change_approved_by")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_change_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_state"), "change", ["state"], unique=False)
    op.create_table(
        "contract",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_contract_ends_after_start")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_contract_organisation_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_contract_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
    )
    op.create_index(op.f("ix_contract_organisation_id"), "contract", ["organisation_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("public_sequence", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_event_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("subject_id", "sequence", name=op.f("uq_event_subject_id_sequence")),
    )
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["analyst_group.id"], name=op.f("fk_group_member_group_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_group_member_person_id")),
        sa.PrimaryKeyConstraint("group_id", "person_id", name=op.f("pk_group_member")),
    )
    op.create_index(op.f("ix_group_member_person_id"), "group_member", ["person_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_idempotency_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "release",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rollout_done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ruleset_digest", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_release_product_id")),
        sa.ForeignKeyConstraint(["published_by"], ["person.id"], name=op.f("fk_release_published_by")),
        sa.PrimaryKeyConstraint("product_id", "version", name=op.f("pk_release")),
        sa.UniqueConstraint("product_id", "ordinal", name=op.f("uq_release_product_id_ordinal")),
    )
    op.create_table(
        "change_revision",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.id"], name=op.f("fk_change_revision_change_id")),
        sa.ForeignKeyConstraint(["written_by"], ["person.id"], name=op.f("fk_change_revision_written_by")),
        sa.PrimaryKeyConstraint("change_id", "rev", name=op.f("pk_change_revision")),
    )
    op.create_table(
        "feed_entry",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column(
            "track", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.id"], name=op.f("fk_feed_entry_change_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_feed_entry_product_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_feed_entry")),
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("false_positive", "false_negative", name="kind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("product_version", sa.Text(), nullable=False),
        sa.Column("database_version", sa.Text(), nullable=False),
        sa.Column(
            "database_verdict",
            sa.Enum(
                "current",
                "in_rollout_window",
                "outdated",
                "withdrawn",
                "unknown_newer",
                "unknown_older",
                "unparseable",
                "no_database",
                name="databaseverdict",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("latest_version", sa.Text(), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column(
            "expected_verdict",
            sa.Enum("clean", "malware", "pua", "unknown", name="verdict", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("detection_name", sa.Text(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("archive_password", sa.Text(), nullable=True),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_premium", sa.Boolean(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("phone_needed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "track", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "screening",
                "queued",
                "in_analysis",
                "awaiting_customer",
                "determined",
                "fixed",
                "closed",
                name="state",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("public_sequence", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_guaranteed", sa.Boolean(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("next_warning_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("needs_attention", sa.Text(), nullable=True),
        sa.Column("analyst_id", sa.Text(), nullable=True),
        sa.Column("claim_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("barred", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("determined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "determination",
            sa.Enum(
                "false_positive_confirmed",
                "false_negative_confirmed",
                "correct_detection",
                "not_malicious",
                "already_fixed",
                "already_detected",
                "customer_override",
                "inconclusive",
                name="determination",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "final_verdict",
            sa.Enum("clean", "malware", "pua", "unknown", name="verdict", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column(
            "resolution",
            sa.Enum(
                "signature_added",
                "signature_modified",
                "signature_disabled",
                "allowlisted",
                "no_change",
                "duplicate",
                "withdrawn",
                name="resolution",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("fixed_in", sa.Text(), nullable=True),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_submission_closed_has_time")),
        sa.CheckConstraint(
            "(state = 'in_analysis') = (claim_expires_at IS NOT NULL)", name=op.f("ck_submission_claim_has_end")
        ),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_submission_severity")),
        sa.ForeignKeyConstraint(["analyst_id"], ["person.id"], name=op.f("fk_submission_analyst_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_submission_contract_id")),
        sa.ForeignKeyConstraint(["group_id"], ["analyst_group.id"], name=op.f("fk_submission_group_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_submission_organisation_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_submission_plan_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_submission_product_id")),
        sa.ForeignKeyConstraint(["submitted_by"], ["person.id"], name=op.f("fk_submission_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
    )
    op.create_index(
        "ix_submission_claim",
        "submission",
        ["claim_expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'in_analysis'"),
    )
    op.create_index(
        "ix_submission_list",
        "submission",
        [sa.literal_column("received_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_submission_organisation_list",
        "submission",
        ["organisation_id", sa.literal_column("received_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("ix_submission_product_id"), "submission", ["product_id"], unique=False)
    op.create_index(
        "ix_submission_queue",
        "submission",
        ["track", "due_at", "received_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_submission_warning",
        "submission",
        ["next_warning_at"],
        unique=False,
        postgresql_where=sa.text("next_warning_at IS NOT NULL"),
    )
    op.create_table(
        "change_submission",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.id"], name=op.f("fk_change_submission_change_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_change_submission_submission_id")),
        sa.PrimaryKeyConstraint("change_id", "submission_id", name=op.f("pk_change_submission")),
    )
    op.create_index(op.f("ix_change_submission_submission_id"), "change_submission", ["submission_id"], unique=False)
    op.create_table(
        "deadline_warning",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("clock", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_deadline_warning_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_warning")),
        sa.UniqueConstraint(
            "submission_id", "clock", "percent", name=op.f("uq_deadline_warning_submission_id_clock_percent")
        ),
    )
    op.create_table(
        "phone_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("claim", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submission_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_phone_request_organisation_id")
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_phone_request_submission_id")),
        sa.ForeignKeyConstraint(["taken_by"], ["person.id"], name=op.f("fk_phone_request_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_request")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_phone_request_token_digest")),
    )
    op.create_table(
        "premium_entry",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column(
            "entry",
            sa.Enum("reserved", "committed", "released", name="premiumstep", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("year_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_premium_entry_contract_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_premium_entry_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "entry", name=op.f("pk_premium_entry")),
    )
    op.create_index("ix_premium_entry_year", "premium_entry", ["contract_id", "year_starts_at"], unique=False)
    op.create_table(
        "scan",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("ruleset_digest", sa.Text(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("clean", "detected", "not_scanned", name="outcome", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("detections", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_scan_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
    )
    op.create_index("ix_scan_submission", "scan", ["submission_id", "at"], unique=False)
    op.create_table(
        "submission_sample",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_submission_sample_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "sha256", name=op.f("pk_submission_sample")),
    )
    op.create_index(op.f("ix_submission_sample_sha256"), "submission_sample", ["sha256"], unique=False)
    _seed()
    _grant()


def downgrade() -> None:
    op.drop_index(op.f("ix_submission_sample_sha256"), table_name="submission_sample")
    op.drop_table("submission_sample")
    op.drop_index("ix_scan_submission", table_name="scan")
    op.drop_table("scan")
    op.drop_index("ix_premium_entry_year", table_name="premium_entry")
    op.drop_table("premium_entry")
    op.drop_table("phone_request")
    op.drop_table("deadline_warning")
    op.drop_index(op.f("ix_change_submission_submission_id"), table_name="change_submission")
    op.drop_table("change_submission")
    op.drop_index(
        "ix_submission_warning", table_name="submission", postgresql_where=sa.text("next_warning_at IS NOT NULL")
    )
    op.drop_index("ix_submission_queue", table_name="submission", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index(op.f("ix_submission_product_id"), table_name="submission")
    op.drop_index("ix_submission_organisation_list", table_name="submission")
    op.drop_index("ix_submission_list", table_name="submission")
    op.drop_index("ix_submission_claim", table_name="submission", postgresql_where=sa.text("state = 'in_analysis'"))
    op.drop_table("submission")
    op.drop_table("feed_entry")
    op.drop_table("change_revision")
    op.drop_table("release")
    op.drop_table("idempotency")
    op.drop_index(op.f("ix_group_member_person_id"), table_name="group_member")
    op.drop_table("group_member")
    op.drop_table("event")
    op.drop_index(op.f("ix_contract_organisation_id"), table_name="contract")
    op.drop_table("contract")
    op.drop_index(op.f("ix_change_state"), table_name="change")
    op.drop_table("change")
    op.drop_index(op.f("ix_api_key_person_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("webhook_endpoint")
    op.drop_table("sample")
    op.drop_table("plan")
    op.drop_table("person")
    op.drop_table("calendar_revision")
    op.drop_table("product")
    op.drop_table("organisation")
    op.drop_index("ix_job_due", table_name="job", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_table("job")
    op.drop_table("calendar")
    op.drop_table("analyst_group")


def _seed() -> None:
    """The founding plans and calendars: data that an administrator may change, not code."""
    _rows("calendar", {"id": "always", "revision": 1}, {"id": "office", "revision": 1})
    hours = [("always", "UTC", "24x7"), ("office", "Europe/Berlin", "Mon-Fri 09:00-18:00")]
    names = ("calendar_id", "time_zone", "hours")
    rest = {"revision": 1, "holidays": [], "extra_workdays": [], "exceptions": "", "created_at": sa.func.now()}
    for each in hours:
        op.execute(
            _table("calendar_revision", *names, *rest).insert().values(**dict(zip(names, each, strict=True)), **rest)
        )
    _rows("analyst_group", {"id": "analysts", "title": "Analysts"})
    internal = {severity: _goal(hours) for severity, hours in zip("1234", (16, 24, 40, 60), strict=True)}
    start = {**internal, "1": _goal(6, is_guaranteed=True)}
    business = {
        "1": _goal(2, "always", is_guaranteed=True),
        "2": _goal(6, is_guaranteed=True),
        "3": _goal(8, is_guaranteed=True),
        "4": _goal(10, is_guaranteed=True),
    }
    common = {"office": "office", "group_id": "analysts", "costs_premium": True}
    msa = {**common, "track": "expedited", "needs_phone": True}
    _rows(
        "plan",
        {
            **common,
            "id": "standard",
            "title": "Standard",
            "track": "standard",
            "goals": internal,
            "premium_incidents": 0,
            "needs_phone": False,
        },
        {**msa, "id": "msa_start", "title": "MSA Start", "goals": start, "premium_incidents": 6},
        {**msa, "id": "msa_business", "title": "MSA Business", "goals": business, "premium_incidents": 36},
    )


def _table(name: str, *columns: str) -> sa.TableClause:
    json = ("goals", "holidays", "extra_workdays")
    return sa.table(name, *(sa.column(c, postgresql.JSONB) if c in json else sa.column(c) for c in columns))


def _rows(name: str, *rows: dict[str, object]) -> None:
    op.bulk_insert(_table(name, *rows[0]), list(rows))


def _goal(hours: int, calendar: str = "office", *, is_guaranteed: bool = False) -> dict[str, object]:
    return {"minutes": hours * 60, "calendar": calendar, "is_guaranteed": is_guaranteed}


def _grant() -> None:
    """The application may read and add everywhere, change only what changes; history it can never rewrite."""
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    op.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
    op.execute(f"REVOKE INSERT ON alembic_version FROM {role}")
    op.execute(f"GRANT UPDATE ON {', '.join(CHANGING)} TO {role}")
    op.execute(f"GRANT UPDATE (email, language) ON person TO {role}")
    op.execute(f"GRANT UPDATE (name) ON organisation TO {role}")
    op.execute(f"GRANT DELETE ON webhook_endpoint, group_member TO {role}")
