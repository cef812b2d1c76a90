rule Acme_Script_Host
{
    meta:
        description = "Invented dropper that brings its own script host; too broad: every Python executable matches"
        kind = "trojan"
    strings:
        $entry = "Py_BytesMain"
    condition:
        $entry
}
