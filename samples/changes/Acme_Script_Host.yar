rule Acme_Script_Host
{
    meta:
        description = "Invented dropper that brings its own script host; also asks for the dropper's payload marker"
        kind = "trojan"
    strings:
        $entry = "Py_BytesMain"
        $payload = { 41 43 4D 45 2D 44 52 4F 50 00 [4-16] 50 41 59 4C 4F 41 44 00 }
    condition:
        all of them
}
