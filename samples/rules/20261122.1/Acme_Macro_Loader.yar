rule Acme_Macro_Loader
{
    meta:
        description = "Invented macro loader; the second edition also asks for the loader's own words"
        kind = "trojan"
    strings:
        $table = "quarterly figures" nocase
        $loader = "acme-macro-load:" ascii wide
    condition:
        all of them
}
