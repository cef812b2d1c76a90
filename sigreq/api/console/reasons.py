"""What a problem that a page tells can give as its reason; each is translated where it is shown."""

from sigreq.api.console.words import _

REASONS = frozenset(
    {
        _("the two entries differ"),
        _("it must have 12 to 200 characters; a sentence does well"),
        _("it has fewer than 5 different characters"),
        _("it is little more than the sign-in name"),
        _("the form does not say which revision its page showed"),
        _("what was chosen is not one of the choices"),
        _("more cases were chosen than a page shows"),
        _("choose at least one case"),
        _("API keys in use of one person"),
        _("saved views of one person"),
        _("texts of one group"),
        _("the fields of the form must come before its files, each with a name"),
        _("text must not contain the character NUL (U+0000)"),
    }
)
