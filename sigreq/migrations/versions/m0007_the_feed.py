"""The feed by product, and how its old entries go."""

from alembic import op

from sigreq.migrations.run import app_role

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Entries go from the beginning only, so that the lowest number says from where on the feed is whole. The last one
# stays, because the next is numbered after it.
DROP = """
    CREATE FUNCTION drop_feed_entries(before timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        first_kept bigint;
        dropped bigint;
    BEGIN
        IF before > now() - interval '1 day' THEN
            RAISE EXCEPTION 'entries younger than a day are kept' USING ERRCODE = 'insufficient_privilege';
        END IF;
        SELECT number INTO first_kept FROM public.feed_entry WHERE at >= before ORDER BY number LIMIT 1;
        IF first_kept IS NULL THEN
            SELECT max(number) INTO first_kept FROM public.feed_entry;
        END IF;
        DELETE FROM public.feed_entry WHERE number < first_kept;
        GET DIAGNOSTICS dropped = ROW_COUNT;
        RETURN dropped;
    END
    $$"""


def upgrade() -> None:
    op.create_index("ix_feed_entry_product", "feed_entry", ["product_id", "number"])
    op.execute(DROP)
    op.execute("REVOKE EXECUTE ON FUNCTION drop_feed_entries(timestamptz) FROM PUBLIC")
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT EXECUTE ON FUNCTION drop_feed_entries(timestamptz) TO {role}")


def downgrade() -> None:
    op.execute("DROP FUNCTION drop_feed_entries(timestamptz)")
    op.drop_index("ix_feed_entry_product", "feed_entry")
