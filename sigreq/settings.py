"""Settings, read once from the environment (`SIGREQ_`, sections by `__`) and handed in where they are needed."""

from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sigreq.domain.limits import UnpackLimits
from sigreq.domain.mailbox import read_mailbox

PASSPHRASE_LENGTH = 16
"""Shorter ones can be guessed by who has a copy of the database."""


def _plain_seconds(value: object) -> object:
    is_number = isinstance(value, str) and value.replace(".", "", 1).isdigit()
    return float(str(value)) if is_number else value


Duration = Annotated[timedelta, BeforeValidator(_plain_seconds)]
"""Plain seconds, as in 10 or 0.5, or ISO 8601, as in PT30M."""


class Section(BaseModel):
    """A group of settings; an unknown name in it is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class Database(Section):
    """PostgreSQL. The owner is used by migrations only; the application's role owns nothing."""

    url: SecretStr
    owner_url: SecretStr | None = None
    pool_size: int = 10


class Redis(Section):
    """Redis, which only carries hints."""

    url: SecretStr


class Bucket(Section):
    """One bucket with its own credentials."""

    name: str
    access_key: SecretStr
    secret_key: SecretStr


class S3(Section):
    """Any S3-compatible store."""

    endpoint: str
    region: str = "us-east-1"
    samples: Bucket
    bundles: Bucket


class Limits(Section):
    """What one submission may hold. Sizes in bytes."""

    submission_bytes: int = 2 * 1024**3
    submission_files: int = 20
    fields_bytes: int = 64 * 1024


class Jobs(Section):
    """How background work is leased, and when it is looked for."""

    lease: Duration = timedelta(seconds=6)
    poll: Duration = timedelta(seconds=1)
    reconcile: Duration = timedelta(seconds=1)
    hint_again_after: Duration = timedelta(seconds=3)
    at_once: int = 8
    attempts: int = 12


class Analysis(Section):
    """How long an analyst's claim lives without activity, and a fix waits for the customer's word."""

    claim: Duration = timedelta(minutes=30)
    silence: Duration = timedelta(days=14)


class Feed(Section):
    """How long entries are kept, at least a day, and how release tooling waits for the next.

    `look` is how often PostgreSQL is asked while somebody waits, should a notice be lost; `poll_interval` is what those
    are told who do not wait; beyond `most_waiting` nobody may.
    """

    kept: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=365)
    longest_wait: Duration = timedelta(seconds=55)
    look: Duration = timedelta(seconds=2)
    poll_interval: Duration = timedelta(seconds=15)
    most_waiting: int = 1000


class Scanning(Section):
    """The scanner's child processes, per worker, and how much they unpack. `timeout` bounds one scan of one file.

    `clamav` is the folder of ClamAV's programs; without it they are looked for where programs usually lie.
    """

    children: int = 2
    timeout: Duration = timedelta(seconds=60)
    unpack: UnpackLimits = UnpackLimits()
    clamav: Path | None = None


class Webhooks(Section):
    """Ways out. Private addresses are refused unless the operator's own network is meant."""

    allow_private_addresses: bool = False
    timeout: Duration = timedelta(seconds=15)


def _is_mailbox(text: str) -> str:
    read_mailbox(text)
    return text


class Mail(Section):
    """The SMTP server that takes our mail. `sender` is an address, with a name or without.

    `base_url` is where customers have pages to look at, if anywhere; a link stands in the mail then.
    """

    host: str
    port: int = 587
    security: Literal["start_tls", "tls", "none"] = "start_tls"
    username: str | None = None
    password: SecretStr | None = None
    sender: Annotated[str, AfterValidator(_is_mailbox)]
    timeout: Duration = timedelta(seconds=15)
    base_url: str | None = None


class Trust(Section):
    """Signing. Without a passphrase no key can be made; until keys are installed nothing is signed.

    `signers` has, by key id, the securesystemslib URI of each key that a device or a service holds; `pin` is what such
    a device may ask for, and `timeout` bounds one signature of it. `is_public` opens the bundle repository to all.
    """

    passphrase: Annotated[SecretStr, Field(min_length=PASSPHRASE_LENGTH)] | None = None
    signers: dict[str, str] = {}
    pin: SecretStr | None = None
    timeout: Duration = timedelta(seconds=10)
    timestamp_life: Duration = timedelta(days=1)
    snapshot_life: Duration = timedelta(days=7)
    targets_life: Duration = timedelta(days=30)
    is_public: bool = False


class Settings(BaseSettings):
    """All of it. Missing or malformed settings fail at start, by name."""

    model_config = SettingsConfigDict(env_prefix="SIGREQ_", env_nested_delimiter="__", extra="forbid")

    database: Database
    redis: Redis
    s3: S3
    limits: Limits = Limits()
    jobs: Jobs = Jobs()
    analysis: Analysis = Analysis()
    feed: Feed = Feed()
    scanning: Scanning = Scanning()
    webhooks: Webhooks = Webhooks()
    mail: Mail | None = None
    trust: Trust = Trust()
    work_dir: Path = Path(gettempdir()) / "sigreq-work"
