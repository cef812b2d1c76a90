rule Acme_Invoice_Stealer
{
    meta:
        description = "A first draft with a slip: the second string is not there"
    strings:
        $read = "invoice-read:" ascii wide
    condition:
        $read and $post
}
