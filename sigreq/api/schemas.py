"""What may be sent. Unknown fields are errors: a typo must not be silently ignored."""

from typing import Annotated, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator

from sigreq.api.problems import invalid_fields
from sigreq.domain.changes import ChangeKind
from sigreq.domain.claim import Claim
from sigreq.domain.corpus import SourceKind
from sigreq.domain.errors import RequestMalformed
from sigreq.domain.people import Language, Role
from sigreq.domain.submission import Kind, Severity
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Determination, Verdict
from sigreq.domain.versions import Scheme

Line = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, 64 lower-case hex digits")]
Email = Annotated[str, Field(pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]{1,190}$", description="one e-mail address")]
Slug = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{1,62}$", description="a short name: a-z, 0-9 and -")]
NAME = "^[a-z0-9][a-z0-9_-]{1,62}$"
Name = Annotated[str, Field(pattern=NAME, description="a short name: a-z, 0-9, _ and -")]
Targets = Annotated[
    tuple[Target, ...], Field(min_length=1, max_length=len(Target), description="engines: yara, clamav")
]


class Strict(BaseModel):
    """Everything that comes in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Details(Strict):
    """What helps the analyst. All of it is optional."""

    software_name: Line | None = None
    software_version: Line | None = None
    publisher: Line | None = None
    purpose: Text | None = None
    observed_behaviour: Text | None = None
    arrived_how: Text | None = None
    detecting_component: Line | None = None
    operating_system: Line | None = None
    hosts_affected: Annotated[int, Field(ge=0)] | None = None
    is_production: bool | None = None
    is_quarantined: bool | None = None
    is_publisher: bool | None = None
    business_justification: Annotated[str, Field(max_length=2000)] | None = None
    customer_reference: Line | None = None
    prior_submission: Line | None = None


class StatedHash(Strict):
    """What a file should be. Without a name: one of the files."""

    name: Line | None = None
    sha256: Sha256


class SubmissionIn(Strict):
    """The part `submission` of an upload."""

    kind: Kind
    product: Line
    product_version: Line
    database_version: Annotated[str, Field(min_length=1, max_length=200, description="exactly as the product shows it")]
    severity: Annotated[int, Field(ge=1, le=4, description="1 critical, 2 high, 3 medium, 4 low")]
    expected_verdict: Verdict
    contact: Line
    detection_name: Line | None = None
    archive_password: Line | None = None
    hashes: Annotated[list[StatedHash], Field(max_length=20)] = []
    details: Details = Details()

    @model_validator(mode="after")
    def _names_the_detection(self) -> Self:
        if self.kind is Kind.FALSE_POSITIVE and not self.detection_name:
            raise ValueError("detection_name is needed for a false positive: the name the product shows")
        return self

    @model_validator(mode="after")
    def _expects_what_it_claims(self) -> Self:
        if self.kind is Kind.FALSE_NEGATIVE and self.expected_verdict is Verdict.CLEAN:
            raise ValueError("expected_verdict cannot be clean for a false negative: say malware, pua or unknown")
        return self

    def claim(self) -> Claim:
        """The same as the rules read it."""
        said = self.model_dump(exclude={"hashes", "details", "severity"})
        hashes = [(each.name, each.sha256) for each in self.hashes]
        details = self.details.model_dump(exclude_none=True)
        return Claim(**said, severity=Severity(self.severity), hashes=hashes, details=details)


class Message(Strict):
    """Words for the other side."""

    message: Text


class Reason(Strict):
    """Words for the record."""

    reason: Text


class OptionalReason(Strict):
    """Words for the record, if there are any."""

    reason: Text | None = None


class AnswerIn(Strict):
    """An answer or a question; a named analyst can mark it as the qualified answer, which stops the clock."""

    message: Text
    is_qualified: bool = False


class DetermineIn(Strict):
    """The conclusion, and what the customer is told, which is a qualified answer."""

    determination: Determination
    final_verdict: Verdict
    message: Text


class ExamineIn(Strict):
    """Another look at the files; the password is tried with those known before."""

    archive_password: Line | None = None


class SeverityIn(Strict):
    """A new severity; lowering needs a reason."""

    severity: Annotated[int, Field(ge=1, le=4)]
    reason: Text | None = None


SignatureName = Annotated[
    str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]{2,120}$", description="a signature's name: letters, digits and _")
]


class Payload(Strict):
    """What a change asks for: the fields of its kind, and no other."""

    rule: SignatureName | None = None
    source: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    sha256: Sha256 | None = None
    name: SignatureName | None = None
    signature: SignatureName | None = None
    pin: Sha256 | None = None
    to: SignatureName | None = None


class ChangeIn(Strict):
    """A drafted change."""

    submission_ids: Annotated[list[Line], Field(min_length=1, max_length=100)]
    kind: ChangeKind
    payload: Payload


class RevisionIn(Strict):
    """An edited change."""

    payload: Payload


class RulesetIn(Strict):
    """All rules of a version by name, files detected or never detected by SHA-256, rules not used (with their pin)."""

    rules: dict[str, str]
    allowed: list[Sha256] = []
    hashes: dict[Sha256, SignatureName] = {}
    disabled: dict[str, Sha256] = {}


class BuiltIn(Strict):
    """What became of one approved change."""

    id: Line
    rev: int
    is_included: bool
    reason: Text | None = None


class ReleaseIn(Strict):
    """A published version. Only an administrator may date it back, to import history.

    One that `rolls_back_to` an earlier version has that version's ruleset, and no changes.
    """

    ordinal: Annotated[int, Field(ge=0, lt=2**63)]
    ruleset: RulesetIn
    changes: list[BuiltIn] = []
    rolls_back_to: Line | None = None
    published_at: AwareDatetime | None = None


class WebhookIn(Strict):
    """Where to tell."""

    url: HttpUrl


class OrganisationIn(Strict):
    """A new customer. Without an id it is made from the name."""

    id: Slug | None = None
    name: Line
    plan: Line = "standard"


class ContactIn(Strict):
    """Where and in which language somebody wants to be written to; without an address, not at all."""

    email: Email | None = None
    language: Language = Language.ENGLISH


class PersonIn(ContactIn):
    """Somebody who acts, or a machine. Analysts and leads join a group, or the first one."""

    name: Line
    role: Role
    organisation: Slug | None = None
    group: Name | None = None

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        if (self.role is Role.CUSTOMER) != (self.organisation is not None):
            raise ValueError("organisation is needed for a customer, and only for a customer")
        return self


class PasswordLinkIn(Strict):
    """Under which name somebody signs in."""

    login: Annotated[str, Field(pattern=r"^[^\s<>,;]{1,200}$", description="a sign-in name, without spaces")] | None = (
        None
    )


class ProductIn(Strict):
    """A product whose database is published."""

    id: Slug
    title: Line
    scheme: Scheme
    grace_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 4 * 3600
    update_instructions: Text
    targets: Targets = (Target.YARA,)


class TargetsIn(Strict):
    """The engines that load a product's signatures."""

    targets: Targets


class CorpusSourceIn(Strict):
    """Where clean files come from; of a prefix, `location` is the prefix."""

    id: Name
    kind: SourceKind
    location: Annotated[str, Field(min_length=1, max_length=1000)]


class CorpusHashesIn(Strict):
    """Some files, by their content."""

    sha256s: Annotated[list[Sha256], Field(min_length=1, max_length=10_000)]


Sent = TypeVar("Sent", bound=Strict)


def parse(kind: type[Sent], sent: bytes, what: str = "the body", root: str = "body") -> Sent:
    """Read JSON by hand; what is wrong with all of it is said of the field `root`.

    Raises RequestMalformed for what is not JSON, FieldInvalid for what does not fit.
    """
    try:
        return kind.model_validate_json(sent)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if any(each["type"] == "json_invalid" for each in found):
            raise RequestMalformed(reason=f"{what} is not JSON ({found[0]['msg']})") from error
        problems = [{"field": ".".join(map(str, each["loc"])) or root, "problem": each["msg"]} for each in found]
        raise invalid_fields(problems) from error
