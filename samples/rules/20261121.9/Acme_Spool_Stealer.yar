rule Acme_Spool_Stealer
{
    meta:
        description = "Invented family that collects print jobs and sends them away"
        kind = "trojan"
    strings:
        $collect = "spool-collect:" ascii wide
        $send = "spool-send:" ascii wide
    condition:
        all of them
}
