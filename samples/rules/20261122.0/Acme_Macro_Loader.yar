rule Acme_Macro_Loader
{
    meta:
        description = "Invented macro loader; this first edition is too broad: any quarterly table matches"
        kind = "trojan"
    strings:
        $table = "quarterly figures" nocase
    condition:
        $table
}
