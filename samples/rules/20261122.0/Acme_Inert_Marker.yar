rule Acme_Inert_Marker
{
    meta:
        description = "Our own harmless marker, to see a database at work"
        kind = "test"
    strings:
        $marker = "ACME-HARMLESS-MARKER-4711"
    condition:
        $marker
}
