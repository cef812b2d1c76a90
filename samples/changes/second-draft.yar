rule Acme_Invoice_Stealer
{
    meta:
        description = "A second draft that asks for far too little: harmless texts say the same"
    strings:
        $words = "this is a harmless" nocase
    condition:
        $words
}
