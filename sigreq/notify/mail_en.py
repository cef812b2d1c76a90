"""Our e-mails in English."""

from collections.abc import Mapping

from sigreq.domain.faults import MEANINGS
from sigreq.domain.lifecycle import Event
from sigreq.domain.remarks import DETECTION_OTHER, DETECTION_UNKNOWN, MORE
from sigreq.notify.extra_words import ENDING_EN, RELIEF_EN
from sigreq.notify.mail_texts import Text, Texts, WarningText

_SEVERITIES: Mapping[str | int, str] = {1: "L1, critical", 2: "L2, high", 3: "L3, medium", 4: "L4, low"}

ENGLISH = Texts(
    submission="Submission",
    next="What happens next",
    link="Open the submission",
    footer="This message was sent automatically.",
    warning=WarningText(
        subject="{percent}% of the answer time used",
        happened="{percent}% of the time to the qualified answer has passed, and it has not been given yet.",
        overdue="The time to the qualified answer has run out, and it has not been given.",
        due="Answer due",
        left="Time left",
        over="Overdue by",
        time="{hours} h {minutes} min",
    ),
    events={
        Event.RECEIVED: Text(
            "Submission received",
            "We have your submission and your files.",
            (
                "The files are checked automatically first. After that an analyst takes the case, unless the newest "
                "databases already contain the fix."
            ),
        ),
        Event.SCREENED: Text(
            "Automatic check finished",
            "The automatic check of your files is finished.",
            "The submission now waits for an analyst. You hear from us when one starts to work on it.",
        ),
        Event.ANSWERED_AUTOMATICALLY: Text(
            "Already fixed: please update",
            (
                "The database version that you named shows the fault, the newest one no longer does. The submission "
                "is closed."
            ),
            (
                "If it still happens after the update, say so on the submission: it is opened again, and an analyst "
                "looks at it."
            ),
        ),
        Event.TAKEN: Text(
            "An analyst is at work",
            "An analyst has started to work on your submission.",
            "You get an answer, or a question if something is missing.",
        ),
        Event.ASKED: Text(
            "We need information from you",
            "The analyst needs more information from you.",
            "The work goes on as soon as you have replied on the submission.",
        ),
        Event.REPLIED: Text(
            "Your reply has arrived",
            "Your reply has reached the analyst.",
            "The analyst goes on with the submission.",
        ),
        Event.COMMENTED: Text(
            "Comment added",
            "A comment was added to your submission.",
            "Whoever works on the submission will read it.",
        ),
        Event.ANSWERED: Text(
            "Answer from the analyst",
            "The analyst has answered.",
            "The work on the submission goes on. You hear from us when there is a conclusion.",
        ),
        Event.SEVERITY_CHANGED: Text(
            "Severity changed",
            "The severity of your submission was changed.",
            "From now on the submission is handled according to the new severity.",
        ),
        Event.DETERMINED: Text(
            "Conclusion of the analyst",
            "The analyst has reached a conclusion.",
            (
                "If the databases have to change, the change is written, tested and approved now, and we tell you "
                "the version that contains it. If they are right as they are, the submission is closed."
            ),
        ),
        Event.FIX_APPROVED: Text(
            "Fix approved",
            "The change to the databases has been tested and approved.",
            (
                "It goes out with one of the next database versions. We then check it on your files and tell you the "
                "version."
            ),
        ),
        Event.PROOF_FAILED: Text(
            "The fix does not work yet",
            "The change was published, but our check on your files shows that the fault is still there.",
            "The submission is with the analyst again, who prepares another change.",
        ),
        Event.RESUMED: Text(
            "An analyst is at work again",
            "An analyst has taken up your submission again.",
            "You get an answer, or a question if something is missing.",
        ),
        Event.FIX_WITHDRAWN: Text(
            "The fixed version was withdrawn",
            "The database version that had your fix was withdrawn, so the fix is not available for now.",
            "The fix comes again with the next version, and is checked on your files again.",
        ),
        Event.VERSION_WITHDRAWN: Text(
            "Your database version was withdrawn",
            "The database version under which you made the submission was withdrawn. Your submission stays as it is.",
            "You need not submit again. The work on the submission goes on, and you hear from us as before.",
        ),
        Event.FIXED: Text(
            "Fixed: please update",
            "The fix is published, and our check on your files proves that it works.",
            "If we do not hear from you, the submission is closed by itself after some time.",
        ),
        Event.CONCLUDED: Text(
            "Closed without a change",
            (
                "The submission is closed. The databases stay as they are; the reasons are in the conclusion of the "
                "analyst."
            ),
            "If you do not agree, dispute the conclusion on the submission: another analyst will look at it.",
        ),
        Event.CONFIRMED: Text(
            "Closed: fix confirmed",
            "You have confirmed that the fix works. The submission is closed.",
            "If the fault comes back, say on the submission that it still happens: it is opened again.",
        ),
        Event.CLOSED_AFTER_SILENCE: Text(
            "Closed",
            "The fix has been out for some time and we have not heard that it fails, so the submission is closed.",
            "If the fault comes back, say on the submission that it still happens: it is opened again.",
        ),
        Event.STILL_HAPPENS: Text(
            "Opened again: it still happens",
            (
                "You have told us that the fault still happens. The submission is open again, and the time to our "
                "answer starts anew."
            ),
            "An analyst who has not decided the case before looks at it.",
        ),
        Event.DISPUTED: Text(
            "Opened again: conclusion disputed",
            (
                "You do not agree with the conclusion. The submission is open again, and the time to our answer "
                "starts anew."
            ),
            "An analyst who has not decided the case before looks at it.",
        ),
        Event.REGRESSED: Text(
            "Opened again: the fix came undone",
            (
                "We try each new database version on your files. The one named here shows the fault again, so the "
                "submission is open again, and the time to our answer starts anew."
            ),
            "You need not do anything: an analyst looks at it. If you can, stay with the version before.",
        ),
        Event.WITHDRAWN: Text(
            "Withdrawn",
            "The submission was withdrawn and is closed.",
            "A change to the databases that is already on its way is not stopped: others may need it.",
        ),
        Event.DUPLICATE_JOINED: Text(
            "Joined to your open submission",
            "The same files were sent again. They belong to this submission, which is still open.",
            "You do not have to do anything: the answer is given here.",
        ),
        Event.PHONE_CALLED: Text(
            "Phone call logged",
            "Your phone call about this submission has been logged.",
            "If your plan counts the answer time from the call, it is counted from this call.",
        ),
        Event.CALENDAR_CHANGED: Text(
            "Working hours changed",
            "The working hours by which the time to our answer is counted were changed.",
            "If our answer is still to come, its due time has been counted anew.",
        ),
        Event.EXAMINED_AGAIN: Text(
            "Files examined again",
            "Your files were examined once more.",
            "You need not do anything: the result belongs to your submission, and the analyst has it.",
        ),
        Event.RELIEF_GIVEN: Text(
            "Relief for the time being",
            "Until the fix is out, your file is handled as you expect: this relief is for your organisation alone.",
            "The work on the fix goes on, and you hear from us when it is out.",
        ),
        Event.RELIEF_ENDED: Text(
            "The relief has ended",
            "The relief for the time being is over.",
            "You hear from us about the submission as before.",
        ),
        Event.EXTRA_PUBLISHED: Text(
            "The fix is in force early",
            "The change is in force already, as an addition to the database version named here.",
            "It comes with one of the next versions as well, and is then checked on your files.",
        ),
        Event.EXTRA_ENDED: Text(
            "The early addition has ended",
            "The addition to the databases that had the change is over before the fix is out.",
            "The change comes with one of the next versions, or another one is prepared.",
        ),
    },
    labels={
        "message": "Message",
        "reason": "Reason",
        "kind": "Reported",
        "finding": "Result of the check",
        "remarks": "Please note",
        "determination": "Conclusion",
        "final_verdict": "The file is",
        "resolution": "Result",
        "severity": "Severity",
        "from": "Severity before",
        "to": "Severity now",
        "track": "Queue",
        "due_at": "Answer due",
        "expected_release_at": "Expected to be released",
        "relief": "The file is",
        "sha256": "SHA-256 of the file",
        "expires_at": "At the latest until",
        "ending": "Why it ended",
        "database_version": "Database version",
        "version": "Database version",
        "latest_version": "The latest version now",
        "fixed_in": "Fixed in database version",
        "steps": "What to do",
    },
    words={
        "remarks": {
            **{code.value: meaning for code, meaning in MEANINGS.items()},
            DETECTION_UNKNOWN: "the detection name is not one of ours; another product may have detected the file",
            DETECTION_OTHER: "rules fire on the file, but not under the name that you gave",
            MORE: "there are more such notes; they stand in the report",
        },
        "kind": {
            "false_positive": "false positive: a clean file is detected",
            "false_negative": "false negative: a malicious file is not detected",
        },
        "finding": {
            "supported": "the fault was reproduced",
            "refuted": "the newest databases no longer show the fault",
            "not_reproduced": "the fault could not be reproduced; an analyst will find out why",
            "undecided": "the automatic check could not be completed; an analyst will check the files",
        },
        "determination": {
            "false_positive_confirmed": "false positive confirmed",
            "false_negative_confirmed": "false negative confirmed",
            "correct_detection": "the detection is correct",
            "not_malicious": "the file is not malicious",
            "already_fixed": "the false positive is already fixed",
            "already_detected": "the file is already detected",
            "customer_override": "to be changed at your request",
            "inconclusive": "could not be settled",
        },
        "final_verdict": {
            "clean": "clean",
            "malware": "malware",
            "pua": "a potentially unwanted application",
            "unknown": "of unknown nature",
        },
        "resolution": {
            "signature_added": "a signature was added",
            "signature_modified": "the signature was modified",
            "signature_disabled": "the signature was disabled",
            "allowlisted": "the file was added to the allowlist",
            "no_change": "no change to the databases",
            "duplicate": "duplicate of another submission",
            "withdrawn": "withdrawn",
        },
        "relief": RELIEF_EN,
        "ending": ENDING_EN,
        "track": {"expedited": "expedited", "standard": "standard"},
        "severity": _SEVERITIES,
        "from": _SEVERITIES,
        "to": _SEVERITIES,
    },
)
